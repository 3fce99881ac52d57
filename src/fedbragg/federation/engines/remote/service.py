"""The server's side: answers sites' messages and accounts' commands over any network.

All of a federation's state is in one folder; a restarted server resumes from it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fedbragg.config import Federation
from fedbragg.config.old_settings import without_added
from fedbragg.errors import FederationError, ProtocolMismatchError, ReplacedError
from fedbragg.federation.engines.remote.audit_log import RECEIVED, AuditLog
from fedbragg.federation.engines.remote.driver import Notify
from fedbragg.federation.engines.remote.hosted import (
    Failed,
    HostedFederation,
    Preparing,
    Running,
    ServerPrograms,
)
from fedbragg.federation.engines.remote.protocol import (
    LARGEST_HEAD,
    Message,
    decode_message,
    encode_message,
)
from fedbragg.federation.engines.remote.server_folder import ServerFolder
from fedbragg.federation.networks import networks_of, of_site
from fedbragg.federation.plan import check_settings

CHUNK = 4 << 20
"""Bytes of a model in one answer to an account."""
LARGE_TOPICS = ("update", "answer")
"""Topics of the messages that hold a model's numbers."""
REASON = 500
"""Characters of a site's reason that are kept."""


class FederationService:
    """Hold at most one federation at a time."""

    def __init__(
        self,
        folder: Path,
        notify: Notify,
        start_model_command: Sequence[str],
        distillation_command: Sequence[str] = (),
    ) -> None:
        """Store everything in ``folder``; see ServerPrograms for the commands."""
        self._folder, self._notify = ServerFolder(folder), notify
        self._programs = ServerPrograms(start_model_command, distillation_command)
        self._log = AuditLog(folder.parent / RECEIVED)  # beside the folder, which a new federation empties
        self._hosted: HostedFederation | None = None
        self._lock = threading.Lock()  # held where the federation or its folder is replaced

    def resume(self) -> None:
        """Resume the federation in the folder, if there is one."""
        with self._lock:
            if (stored := self._folder.read()) is not None:
                self._host(*stored)

    # Commands of accounts

    def start(self, settings: Mapping[str, Any], *, restart: bool) -> dict[str, Any]:
        """Start a federation; with equal settings resume the present one, unless ``restart``. Return its name.

        Raise FederationError while another one runs.
        """
        wanted = Federation.model_validate(settings)
        _check_supported(wanted)
        with self._lock:
            hosted = self._hosted
            same = hosted is not None and hosted.settings == wanted
            failed = hosted is not None and isinstance(hosted.state, Failed)
            if hosted is not None and same and not restart:
                if failed:  # the cause may have been removed
                    self._folder.write(hosted.name, wanted)
                    self._host(hosted.name, wanted)
                return {"federation": hosted.name}
            if hosted is not None and not (failed or hosted.finished):
                raise FederationError(
                    f"{'this' if same else 'another'} federation is running already. "
                    "Follow it with --resume, or end it with `fedbragg status --stop`."
                )
            name = self._folder.create(wanted)
            self._host(name, wanted)
            return {"federation": name}

    def stop(self, account: str) -> None:
        """End the federation with the model of its last step."""
        if (hosted := self._hosted) is not None:
            hosted.stop(f"stopped by {account}")

    def status(self, since: int = 0) -> dict[str, Any]:
        """Return the state of the federation as JSON, with its history from line ``since`` on."""
        hosted = self._hosted
        if hosted is None:
            return {"federation": "", "state": "none", "problem": None}
        status = {"federation": hosted.name, "problem": None}
        match hosted.state:
            case Preparing():
                return {**status, "state": "preparing"}
            case Failed(reason):
                return {**status, "state": "failed", "problem": reason}
            case Running(driver):
                state = "finished" if driver.finished else "running"
                barriers = hosted.settings.federation.barriers
                return {**status, "state": state, "barriers": barriers, **driver.status(since)}

    def model_chunk(self, offset: int) -> tuple[bytes, int]:
        """Return a piece of the message with the final model, and the length of the whole."""
        hosted = self._hosted
        if hosted is None or not isinstance(hosted.state, Running):
            raise FederationError("there is no model yet")
        message = hosted.state.driver.final_model()
        return message[offset : offset + CHUNK], len(message)

    # Messages of sites

    def ask(self, site: str, topic: str, payload: bytes | memoryview) -> bytes:
        """Answer a site's message; an error in the message is part of the answer and is not raised."""
        self._log.message(site, topic, payload)
        try:
            return self._answer(site, topic, payload)
        except ProtocolMismatchError as error:
            self._note_problem(site, str(error))
            return encode_message(Message({"error": str(error)}))
        except ReplacedError as error:
            self._note_problem(site, "two clients ran with its kit; the one that connected last continues")
            return encode_message(Message({"error": str(error), "replaced": True}))
        except FederationError as error:
            return encode_message(Message({"error": str(error)}))
        except (KeyError, TypeError, ValueError) as error:
            return encode_message(Message({"error": f"{topic} cannot be understood: {error!r}"}))

    def _answer(self, site: str, topic: str, payload: bytes | memoryview) -> bytes:
        hosted = self._hosted_for(site)
        if hosted is None or not isinstance(state := hosted.state, Running):
            return encode_message(Message({"federation": None}))
        driver = state.driver
        _check_size(len(payload), driver.largest_update if topic in LARGE_TOPICS else LARGEST_HEAD)
        message = decode_message(payload, "the site", "the server")
        fields = message.fields
        match topic:
            case "settings":
                own = _site_settings(hosted.settings, site)
                return encode_message(Message({**own, "model": driver.shapes(site)}))
            case "poll":
                answer = driver.poll(site, str(fields["client"]), sending=bool(fields.get("sending")))
                return encode_message(Message({"federation": hosted.name, **answer}))
            case "model":
                return driver.model(site, str(fields["request"]))
            case "final":
                return driver.final_model(site)
            case "update":
                accepted = driver.take_update(site, message, len(payload))
                return encode_message(Message({"accepted": accepted}))
            case "trained":
                accepted = driver.take_trained(site, message, len(payload))
                return encode_message(Message({"accepted": accepted}))
            case "sum":
                return driver.step_message(site)
            case "answer":
                accepted = driver.take_answer(site, message, len(payload))
                return encode_message(Message({"accepted": accepted}))
            case "failure" | "veto":
                name, reason = str(fields["request"]), str(fields["reason"])[:REASON]
                accepted = driver.take_failure(site, name, reason, veto=topic == "veto")
                return encode_message(Message({"accepted": accepted}))
            case "leave":
                driver.leave(site, str(fields["client"]))
                return encode_message(Message({}))
        raise FederationError(f"the server has no topic {topic!r}")

    def _hosted_for(self, site: str) -> HostedFederation | None:
        """Return the federation if the site belongs to it."""
        hosted = self._hosted
        if hosted is None or all(site != known.name for known in hosted.settings.sites):
            return None
        return hosted

    def _note_problem(self, site: str, problem: str) -> None:
        hosted = self._hosted_for(site)
        if hosted is not None and isinstance(state := hosted.state, Running):
            state.driver.note_problem(site, problem)

    # The thread of a federation

    def _host(self, name: str, settings: Federation) -> None:
        hosted = HostedFederation(name, settings, self._folder, self._notify)
        self._hosted = hosted
        threading.Thread(target=self._run, args=(hosted,), name="driver", daemon=True).start()

    def _run(self, hosted: HostedFederation) -> None:
        hosted.run(self._programs)
        with self._lock:
            # Stopped before its first barrier: a restarted server has nothing to resume.
            if self._hosted is hosted and hosted.over and not hosted.saved:
                self._folder.settings.unlink(missing_ok=True)


def _check_size(nbytes: int, largest: int) -> None:
    if nbytes > largest:
        raise FederationError(f"a message of {nbytes} bytes is refused; at most {largest} are expected")


def _site_settings(settings: Federation, site: str) -> dict[str, Any]:
    """Return the settings that a site gets, without those of the server and of other sites, and its timeouts."""
    settings = of_site(settings, site)
    server = settings.server
    # Sites of an earlier version do not know the section; they can take part where it asks for nothing.
    hidden = {"sites", "server"} | ({"style"} if settings.style.share == "off" else set())
    hidden |= set() if settings.privacy.asked else {"privacy"}
    summed = (
        {"sites": len(settings.sites)} if settings.privacy.secure else {}
    )  # sets the scale of the integers
    return {
        **summed,
        "settings": without_added(settings.model_dump(mode="json", exclude=hidden)),
        "timeouts": {
            "heartbeat": server.heartbeat,
            "message": server.message_timeout,
            "training": server.training_timeout or settings.federation.deadline,
        },
    }


def _check_supported(settings: Federation) -> None:
    """Raise FederationError or ConfigError for settings that real sites cannot run."""
    if any(site.runs or site.labels for site in settings.sites):
        raise FederationError(
            "a real site's runs and labels are in its own file; remove them from the settings."
        )
    check_settings(settings)
    networks_of(settings)
    if settings.federation.local_batchnorm:
        raise FederationError(
            "local_batchnorm is for the local engine: a real site's trainer starts from the model each time."
        )
