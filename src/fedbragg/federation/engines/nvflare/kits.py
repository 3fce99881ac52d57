"""Make the kits of a federation: for each participant a key, a certificate, its rights and the server's address."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

from nvflare.lighter.impl.cert import CertBuilder
from nvflare.lighter.impl.static_file import StaticFileBuilder
from nvflare.lighter.impl.workspace import WorkspaceBuilder
from nvflare.lighter.provision import prepare_project
from nvflare.lighter.provisioner import Provisioner

from fedbragg.config import Federation
from fedbragg.errors import ConfigError, FederationError
from fedbragg.federation.engines.nvflare.authorization import log_configuration, server_rights, site_rights
from fedbragg.federation.engines.nvflare.kit import DOMAIN, KIT, Kit, kit_text

PROJECT, HOST = "fedbragg", "federation"
COORDINATOR, SERVER, AUTHORITY = "coordinator", "server", "authority"
ROOT_DAYS = 3650
"""Days for which the authority's certificate is valid; FLARE gives each kit's 360 days."""


def provision(settings: Federation, out: Path) -> list[Kit]:
    """Write the kits that ``out`` lacks, and return them; raise ConfigError where the settings have no address.

    ``out/authority`` holds the key that signs them; with it, later calls add sites to the same federation.
    """
    if not settings.server.address:
        raise ConfigError('[server] has no address; give the host and port that sites reach, "host:port".')
    missing = [kit for kit in _all_kits(settings) if not (out / kit.name / KIT).exists()]
    if not missing:
        return []
    authority = out / AUTHORITY
    authority.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = _make_certificates(settings, authority)
    try:
        for kit in missing:
            _complete_kit(kit, made / _flare_name(kit, settings), out / kit.name)
    finally:
        shutil.rmtree(made)
    (authority / "README.md").write_text(AUTHORITY_TEXT, encoding="utf-8")
    return missing


AUTHORITY_TEXT = """\
# The authority of this federation

`state/cert.json` holds the key that signs every certificate, and the keys of all kits. Whoever has it can pretend to
be any site. Keep it off the network and give it to nobody; `fedbragg provision` needs it to add a site.
"""


def _all_kits(settings: Federation) -> list[Kit]:
    address = settings.server.address
    sites = [Kit("site", site.name, site.name, address) for site in settings.sites]
    observers = [Kit("observer", name, HOST, address) for name in settings.server.observers]
    kits = [
        Kit("server", SERVER, HOST, address),
        Kit("coordinator", COORDINATOR, HOST, address),
        *sites,
        *observers,
    ]
    names = [kit.name for kit in kits]
    for name in {*names, AUTHORITY}:
        if names.count(name) + (name == AUTHORITY) > 1:
            raise ConfigError(f"two kits would be named {name!r}; rename the site or the observer.")
    return kits


def _make_certificates(settings: Federation, authority: Path) -> Path:
    """Have FLARE make keys, certificates and its own settings; return the folder that holds them."""
    builders = [
        WorkspaceBuilder(),
        StaticFileBuilder(config_folder="config", scheme="tcp"),
        CertBuilder(root_valid_days=ROOT_DAYS),
    ]
    output = _Output()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            project = prepare_project(
                {"api_version": 3, "name": PROJECT, "participants": _participants(settings)}
            )
        except ValueError as error:
            raise ConfigError(f"NVIDIA FLARE refuses a name: {error}. Rename the site.") from None
        context = Provisioner(str(authority), builders).provision(project, logger=output)
    if context.get("build_error") or "current_prod_dir" not in context:
        raise FederationError(f"NVIDIA FLARE could not make the kits: {output.text()}")
    return Path(context["current_prod_dir"])


def _participants(settings: Federation) -> list[dict[str, Any]]:
    host, port = settings.server.address.rsplit(":", 1)
    ports = {"fed_learn_port": int(port), "admin_port": int(port)}
    server = {"name": host, "type": "server", "org": HOST, "host_names": ["localhost"], **ports}
    sites = [
        {"name": site.name, "type": "client", "org": _organisation(site.name)} for site in settings.sites
    ]
    roles = {COORDINATOR: "lead", **dict.fromkeys(settings.server.observers, "member")}
    accounts = [
        {"name": f"{name}@{DOMAIN}", "type": "admin", "org": HOST, "role": role}
        for name, role in roles.items()
    ]
    return [server, *sites, *accounts]


def _flare_name(kit: Kit, settings: Federation) -> str:
    if kit.kind == "server":
        return settings.server.address.rsplit(":", 1)[0]
    return kit.name if kit.kind == "site" else kit.account


def _organisation(site: str) -> str:
    """Return a site's organisation in the letters that FLARE takes."""
    return "".join(letter if letter.isalnum() else "_" for letter in site)


def _complete_kit(kit: Kit, made: Path, out: Path) -> None:
    """Turn FLARE's folder into a kit: remove its start scripts, add rights and a README with the one command."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.move(made, out)
    out.chmod(0o700)
    for path in [out / "readme.txt", *(out / "local").iterdir(), *(out / "startup").iterdir()]:
        if path.suffix in (".sh", ".txt", ".default", ".sample", ".ipynb"):
            path.unlink(missing_ok=True)
    local = out / "local"
    if kit.kind in ("server", "site"):
        rights = server_rights() if kit.kind == "server" else site_rights()
        _write(local / "authorization.json", rights)
        _write(local / "log_config.json", log_configuration())
    else:
        _write(local / "resources.json", ACCOUNT)
    _write(out / KIT, kit.as_dict())
    (out / "README.md").write_text(kit_text(kit), encoding="utf-8")


ACCOUNT = {"format_version": 1, "admin": {"idle_timeout": 900.0, "login_timeout": 10.0, "with_debug": False}}


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


class _Output:
    """Keep FLARE's output and logs, for the message if something goes wrong."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def write(self, text: str) -> int:
        self._lines.append(text)
        return len(text)

    def flush(self) -> None:
        """Do nothing: every line is kept at once."""

    def text(self) -> str:
        return " ".join(" ".join(self._lines).split())[:500]

    def info(self, *parts: Any) -> None:
        """Keep a log line; FLARE calls this as a logger's method."""
        self._lines += map(str, parts)

    debug = warning = error = info
