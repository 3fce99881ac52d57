"""One federation at the server: its thread makes the start model, then runs the driver.

The state is one value, replaced under one lock, and belongs to one federation. So no thread can mix two federations,
and one that ends cannot change the next.
"""

from __future__ import annotations

import subprocess
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from fedbragg.config import Federation
from fedbragg.errors import FedbraggError, FederationError
from fedbragg.federation.checkpoint import CheckpointStore, fingerprint
from fedbragg.federation.engines.remote.distillation import DistillationProcess
from fedbragg.federation.engines.remote.driver import Notify, RealTimeDriver
from fedbragg.federation.engines.remote.server_folder import ServerFolder
from fedbragg.federation.ensemble import Refine
from fedbragg.federation.networks import networks_of
from fedbragg.federation.tensors import read_tensors
from fedbragg.types import State


@dataclass(frozen=True, slots=True, eq=False)
class Preparing:
    """The start model is being made."""

    process: subprocess.Popen[bytes] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Running:
    """The driver runs, or has ended with the federation."""

    driver: RealTimeDriver


@dataclass(frozen=True, slots=True)
class Failed:
    """The federation cannot continue."""

    reason: str


@dataclass(frozen=True, slots=True)
class ServerPrograms:
    """The commands of the programs that a server starts."""

    start_model: Sequence[str]
    """Followed by the paths of settings and model: makes the start model."""
    distillation: Sequence[str] = ()
    """Followed by the path of the settings: teaches different networks, see distillation.py."""


class HostedFederation:
    """One federation, from its start at this server to its end."""

    def __init__(self, name: str, settings: Federation, folder: ServerFolder, notify: Notify) -> None:
        self.name, self.settings = name, settings
        self._folder, self._notify = folder, notify
        self._lock = threading.Lock()
        self._state: Preparing | Running | Failed = Preparing()
        self._stop_reason: str | None = None

    @property
    def state(self) -> Preparing | Running | Failed:
        """Return the state; it may change at any time, so read it once and use that value."""
        return self._state

    @property
    def finished(self) -> bool:
        """Return whether the federation has ended with a model."""
        state = self._state
        return isinstance(state, Running) and state.driver.finished

    @property
    def over(self) -> bool:
        """Return whether the federation has ended or was stopped."""
        return self.finished or self._stop_reason is not None

    @property
    def saved(self) -> bool:
        """Return whether there is a checkpoint to resume from."""
        return CheckpointStore(self._folder.checkpoints, "").exists

    def stop(self, reason: str) -> None:
        """End the federation early, in any state."""
        with self._lock:
            self._stop_reason = reason
            match self._state:
                case Preparing(process) if process is not None:
                    process.kill()
                case Running(driver):
                    driver.stop(reason)

    def run(self, programs: ServerPrograms) -> None:
        """Run to the end; call this in a thread of its own."""
        try:
            self._check_programs(programs)
            initial = self._start_model(programs.start_model)
            with self._distillation(programs) as refine:
                self._start_driver(initial, refine).run()
        except FedbraggError as error:
            self._fail(str(error))
        except Exception as error:  # the thread must not die unnoticed
            traceback.print_exc()
            self._fail(f"{type(error).__name__}: {error}")

    def _check_programs(self, programs: ServerPrograms) -> None:
        if networks_of(self.settings) and not programs.distillation:
            raise FederationError("this server cannot teach different networks; let all sites run one.")

    @contextmanager
    def _distillation(self, programs: ServerPrograms) -> Iterator[Refine | None]:
        """Yield the function that teaches the sites' networks at barriers, None where all sites run the same one."""
        if not networks_of(self.settings):
            yield None
            return
        command = [*programs.distillation, str(self._folder.settings)]
        # Its frames are made while the sites train.
        process = DistillationProcess(command, self._folder.path, self.settings.server.preparation)
        try:
            yield process
        finally:
            process.close()

    def _start_model(self, command: Sequence[str]) -> State:
        path = self._folder.start_model
        if not path.exists():
            made = path.with_suffix(".part")
            process = self._start_process([*command, str(self._folder.settings), str(made)])
            self._wait_for(process, self.settings.server.preparation)
            made.replace(path)
        return read_tensors(path)

    def _start_process(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with self._lock:  # so stop() either ends this process or prevents its start
            self._check_not_stopped()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
            self._state = Preparing(process)
            return process

    def _wait_for(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise FederationError(f"the start model was not ready within {seconds:g} s") from None
        self._check_not_stopped()
        if code:
            raise FederationError(
                f"the start model could not be made (exit code {code}); see the server's log"
            )

    def _check_not_stopped(self) -> None:
        if self._stop_reason is not None:
            raise FederationError(f"{self._stop_reason} before it had begun")

    def _start_driver(self, initial: State, refine: Refine | None) -> RealTimeDriver:
        sites = [site.name for site in self.settings.sites]
        mark = fingerprint(self.settings, sites, initial, networks_of(self.settings))
        store = CheckpointStore(self._folder.checkpoints, mark)
        driver = RealTimeDriver(self.settings, initial, store, self._notify, store.load(), refine)
        with self._lock:
            self._state = Running(driver)
            if self._stop_reason is not None:
                driver.stop(self._stop_reason)
        return driver

    def _fail(self, reason: str) -> None:
        with self._lock:
            if not self.finished:  # once finished the model is on disk, and a later failure does not matter
                self._state = Failed(reason)
