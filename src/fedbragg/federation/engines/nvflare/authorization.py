"""FLARE's settings for a server and a site: who may do what, which components run, where logs go.

A site grants nobody any right: FLARE could run jobs and shell commands and send logs, and all of that is refused. What
a site does for the federation is code of the installed package; the messages that ask for it hold no code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fedbragg.federation.engines.nvflare.admin_commands import LEAD_RIGHTS, OBSERVER_RIGHTS

FORMAT = {"format_version": "1.0"}
ENFORCED = {"format_version": 2, "class_list_enforcement_mode": "enforce"}
ROLES = ("project_admin", "org_admin", "lead", "member")


def server_rights() -> dict[str, Any]:
    """Return authorization.json of a server: a lead may start and stop, a member may look, nobody may do more."""
    rights = {"lead": dict.fromkeys(LEAD_RIGHTS, "any"), "member": dict.fromkeys(OBSERVER_RIGHTS, "any")}
    return {**FORMAT, "permissions": rights}


def site_rights() -> dict[str, Any]:
    """Return authorization.json of a site: no role is allowed anything; foreign code ("byoc") is refused by name."""
    refused = dict.fromkeys(
        ("submit_job", "clone_job", "manage_job", "operate", "shell_commands", "byoc"), "none"
    )
    return {**FORMAT, "permissions": dict.fromkeys(ROLES, refused)}


def server_resources(kit: Path, component: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return resources.json of a server: our component, those that FLARE needs to start, and its files in the kit."""
    scratch = kit / "flare"
    store = {"path": "nvflare.app_common.storages.filesystem_storage.FilesystemStorage"}
    snapshots = {**store, "args": {"root_dir": str(scratch / "snapshots"), "uri_root": "/"}}
    manager = {"uri_root": str(scratch / "jobs"), "job_store_id": "job_store"}
    persistor = "nvflare.app_common.state_persistors.storage_state_persistor.StorageStatePersistor"
    return {
        **ENFORCED,
        "class_allow_list": [component],
        "servers": [{"admin_storage": "flare/transfer", "max_num_clients": 1000, "heart_beat_timeout": 600}],
        "snapshot_persistor": {"path": persistor, "args": {"uri_root": "/", "storage": snapshots}},
        "components": [
            _component(
                "job_scheduler", "nvflare.app_common.job_schedulers.job_scheduler.DefaultJobScheduler"
            ),
            _component("job_manager", "nvflare.apis.impl.job_def_manager.SimpleJobDefManager", manager),
            {"id": "job_store", **store},
            _component("fedbragg", component, options),
        ],
    }


def site_resources(component: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return resources.json of a site: our component, and nothing that could launch a job.

    With the resource manager a job is refused because it is not allowed; without it, because the manager is missing.
    """
    manager = "nvflare.app_common.resource_managers.gpu_resource_manager.GPUResourceManager"
    nothing = {"num_of_gpus": 0, "mem_per_gpu_in_GiB": 0}
    return {
        **ENFORCED,
        "class_allow_list": [component],
        "allow_log_streaming": False,
        # Its thread that connects ends where the login takes longer.
        "client": {"retry_timeout": 30, "engine_create_timeout": options["wait"] + 60},
        "components": [
            _component("resource_manager", manager, nothing),
            _component("fedbragg", component, options),
        ],
    }


def log_configuration() -> dict[str, Any]:
    """Return FLARE's log settings: messages from INFO on, in log.txt in the kit, 10 MB and one older file."""
    plain = {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
    file = {
        "class": "logging.handlers.RotatingFileHandler",
        "level": "DEBUG",
        "formatter": "plain",
        "filename": "log.txt",
        "mode": "a",
        "maxBytes": 10_000_000,
        "backupCount": 1,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": plain},
        "handlers": {"logFileHandler": file},
        "loggers": {"root": {"level": "INFO", "handlers": ["logFileHandler"]}},
    }


def _component(name: str, path: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"id": name, "path": path, "args": options or {}}
