"""The server's side: it answers sites' polls and administrators' commands; no NVIDIA FLARE here.

All of a federation's state lies in one folder; a server that is started again goes on from it by itself.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fedbragg.config import Federation
from fedbragg.errors import FedbraggError, FederationError
from fedbragg.federation.checkpoint import CheckpointStore
from fedbragg.federation.engines.local import fingerprint
from fedbragg.federation.engines.remote.driver import Notify, RealTimeDriver
from fedbragg.federation.engines.remote.protocol import Message, decode_message, encode_message
from fedbragg.federation.plan import check_settings
from fedbragg.files import write_whole
from fedbragg.types import State

SETTINGS, START, CHECKPOINTS = "federation.json", "start.model", "checkpoints"
START_MODEL_COMMAND = (sys.executable, "-m", "fedbragg.workflows.start_model")
CHUNK = 4 << 20
"""Bytes of a model in one answer to an account."""


class FederationService:
    """At most one federation at a time."""

    def __init__(self, folder: Path, notify: Notify, make_start: Sequence[str] = START_MODEL_COMMAND) -> None:
        """Keep everything in ``folder``; ``make_start`` with two paths makes a start model of settings."""
        self._folder, self._notify, self._make_start = folder, notify, make_start
        self._settings: Federation | None = None
        self._name = ""
        self._driver: RealTimeDriver | None = None
        self._maker: subprocess.Popen[bytes] | None = None
        self._trouble: str | None = None  # why there is no driver
        self._stopped: str | None = None  # by whom the federation is to end
        self._lock = threading.Lock()
        self._final = b""

    def resume(self) -> None:
        """Go on with the federation that the folder holds, if there is one."""
        path = self._folder / SETTINGS
        if path.exists():
            told = json.loads(path.read_text(encoding="utf-8"))
            self._open(told["name"], Federation.model_validate(told["settings"]))

    # Accounts

    def start(self, settings: dict[str, Any], *, anew: bool) -> dict[str, Any]:
        """Start a federation, or resume the one there if the settings are equal, unless ``anew``."""
        asked = Federation.model_validate(settings)
        if any(site.runs or site.labels for site in asked.sites):
            raise FederationError("a real site's runs and labels stand in its own file and nowhere else.")
        _check_supported(asked)
        with self._lock:
            running = self._settings is not None and self._trouble is None and not self._over()
            if self._settings == asked and not anew:
                if self._trouble is not None:  # whatever it was may be mended by now
                    self._open(self._name, asked)
                return {"federation": self._name}
            if running:
                which = "this" if self._settings == asked else "another"
                raise FederationError(
                    f"{which} federation is running already. "
                    "Follow it with --resume, or end it with `fedbragg status --stop`."
                )
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True)
            name = os.urandom(6).hex()
            record = {"name": name, "settings": without_paths(asked)}
            write_whole(self._folder / SETTINGS, json.dumps(record, indent=1).encode())
            self._open(name, asked)
            return {"federation": name}

    def stop(self, who: str) -> None:
        """End the federation with the model of its last step."""
        with self._lock:
            self._stopped = f"stopped by {who}"
            if self._driver is not None:
                self._driver.stop(self._stopped)
            elif self._maker is not None:
                self._maker.kill()

    def status(self, since: int = 0) -> dict[str, Any]:
        """Return how things stand as JSON."""
        told: dict[str, Any] = {"federation": self._name, "state": self._state(), "trouble": self._trouble}
        if self._driver is not None:
            told |= self._driver.status(since)
            told["barriers"] = self._driver_settings().federation.barriers
        return told

    def chunk(self, offset: int) -> tuple[bytes, int]:
        """Return a piece of the finished model, and the whole's length."""
        if self._driver is None:
            raise FederationError("there is no model yet")
        if not self._final:
            self._final = self._driver.final()
        return self._final[offset : offset + CHUNK], len(self._final)

    # Sites

    def ask(self, site: str, topic: str, payload: bytes | memoryview) -> bytes:
        """Answer a site; whatever is wrong with its question is told, not raised."""
        try:
            return self._answer(site, topic, payload)
        except FederationError as error:
            return encode_message(Message({"error": str(error)}))
        except (KeyError, TypeError, ValueError) as error:
            return encode_message(Message({"error": f"{topic} cannot be understood: {error!r}"}))

    def _answer(self, site: str, topic: str, payload: bytes | memoryview) -> bytes:
        message = decode_message(payload)
        fields, driver = message.fields, self._driver
        if driver is None or site not in {known.name for known in self._driver_settings().sites}:
            return encode_message(Message({"federation": None}))
        match topic:
            case "contact":
                told = driver.contact(site, str(fields["life"]), sending=bool(fields.get("sending")))
                return encode_message(Message({"federation": self._name, **told}))
            case "terms":
                return encode_message(Message({"settings": self._terms(), "waits": self._waits()}))
            case "leave":
                driver.left(site, str(fields["life"]))
                return encode_message(Message({}))
            case "model":
                return driver.model(site, str(fields["request"]))
            case "update":
                return encode_message(Message({"taken": driver.deliver(site, message, len(payload))}))
            case "failed":
                taken = driver.failed(site, str(fields["request"]), str(fields["reason"])[:500])
                return encode_message(Message({"taken": taken}))
            case "final":
                return driver.final()
        raise FederationError(f"nobody answers to {topic!r}")

    def _terms(self) -> dict[str, Any]:
        """Return what a site has to know of the settings: nothing about the other sites."""
        return self._driver_settings().model_dump(mode="json", exclude={"sites", "server"})

    def _waits(self) -> dict[str, float]:
        """Return how long a site waits for what, in seconds."""
        settings = self._driver_settings()
        server, deadline = settings.server, settings.federation.deadline
        training = server.training_timeout or deadline
        return {"contact": server.heartbeat, "answer": server.message_timeout, "training": training}

    # The federation at hand

    def _driver_settings(self) -> Federation:
        if self._settings is None:
            raise FederationError("no federation has been started")
        return self._settings

    def _state(self) -> str:
        if self._settings is None:
            return "none"
        if self._trouble is not None:
            return "failed"
        return "preparing" if self._driver is None else "finished" if self._over() else "running"

    def _over(self) -> bool:
        return self._driver is not None and self._driver.finished

    def _open(self, name: str, settings: Federation) -> None:
        self._name, self._settings = name, settings
        self._driver, self._trouble, self._stopped, self._final = None, None, None, b""
        threading.Thread(target=self._conduct, args=(settings,), name="driver", daemon=True).start()

    def _conduct(self, settings: Federation) -> None:
        try:
            initial = self._start_model(settings)
            shelf = CheckpointStore(
                self._folder / CHECKPOINTS, fingerprint(settings, [s.name for s in settings.sites], initial)
            )
            driver = RealTimeDriver(settings, initial, shelf, self._notify, shelf.load())
            with self._lock:
                self._driver = driver
                if self._stopped is not None:
                    driver.stop(self._stopped)
            driver.run()
            with self._lock:
                self._forget_unless_saved(driver, shelf)
        except FedbraggError as error:
            self._trouble = str(error)
        except Exception as error:  # the thread must not die in silence
            traceback.print_exc()
            self._trouble = f"{type(error).__name__}: {error}"

    def _forget_unless_saved(self, driver: RealTimeDriver, shelf: CheckpointStore) -> None:
        """Drop a federation stopped before its first barrier: a restarted server has nothing to go on from."""
        if self._driver is driver and not shelf.exists:  # else another has begun
            (self._folder / SETTINGS).unlink(missing_ok=True)

    def _start_model(self, settings: Federation) -> State:
        path = self._folder / START
        if not path.exists():
            made, seconds = path.with_suffix(".part"), settings.server.preparation
            command = [*self._make_start, str(self._folder / SETTINGS), str(made)]
            with subprocess.Popen(command, stdin=subprocess.DEVNULL) as self._maker:
                try:
                    code = self._maker.wait(seconds)
                except subprocess.TimeoutExpired:
                    self._maker.kill()
                    raise FederationError(f"the start model was not ready within {seconds:g} s") from None
            self._maker = None
            if self._stopped is not None:
                raise FederationError(f"{self._stopped} before it had begun")
            if code:
                raise FederationError(
                    f"the start model could not be made (exit code {code}); see the server's log"
                )
            made.replace(path)
        return decode_message(path.read_bytes()).tensors


def without_paths(settings: Federation) -> dict[str, Any]:
    """Return settings as they are handed on: without the sites' paths, should somebody have written any down."""
    return settings.model_dump(mode="json", exclude={"sites": {"__all__": {"runs", "labels"}}})


def _check_supported(settings: Federation) -> None:
    check_settings(settings)
    if settings.federation.local_batchnorm:
        raise FederationError(
            "local_batchnorm is for the local engine: a real site's trainer starts afresh each time."
        )
