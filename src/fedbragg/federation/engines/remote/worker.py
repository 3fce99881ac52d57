"""The process that holds a site's data: it reads them once and forks a process for each training.

Orders come as lines on standard input, events go out as lines on standard output; models and updates are in files.
The worker ends with the client that started it, and a training ends with its worker: no process is left.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import nan
from pathlib import Path
from select import select

import numpy as np

from fedbragg.config import Federation
from fedbragg.errors import ModelRefused
from fedbragg.federation.engines.remote import worker_messages as messages
from fedbragg.federation.engines.remote.protocol import encode_message
from fedbragg.federation.engines.remote.update_message import update_message
from fedbragg.federation.privacy import clip_update
from fedbragg.federation.tensors import read_tensors
from fedbragg.federation.trainer import Trainer
from fedbragg.federation.veto import Judge, check_score
from fedbragg.federation.wire import encode
from fedbragg.files import write_whole
from fedbragg.processes import die_with_parent
from fedbragg.types import State

CHECK = 0.02
"""Seconds between two checks whether a training has ended."""
PIECE = 1 << 16
"""Bytes of standard input read at a time."""


ExportModel = Callable[[State, Path], str]
"""Write the final model to a path, and return in one line how good it is at this site."""


def _cannot_judge(model: State) -> float:
    """Return None: this site has no data to judge a model."""
    return nan


@dataclass(frozen=True, slots=True, eq=False)
class LoadedSite:
    """A site with its data read."""

    settings: Federation
    trainer: Trainer
    export: ExportModel
    judge: Judge = _cannot_judge


LoadSite = Callable[[messages.Load], LoadedSite]


def main(load_site: LoadSite) -> None:
    """Carry out orders until standard input ends."""
    die_with_parent()
    worker = _Worker(load_site)
    for line in _lines(worker.check_fork):
        worker.carry_out(messages.from_line(line))


def train(site: LoadedSite, order: messages.Train) -> None:
    """Train for one request and write the update's message: clipped and compressed before it leaves.

    Raise ModelRefused where the model is judged too bad.
    """
    model = read_tensors(Path(order.model))
    if order.judge:
        score = site.judge(model)
        check_score(score, order.least)
        _report(messages.ModelAccepted(order.request, score))
    update = site.trainer.train(model, order.version, order.epochs)
    generator = np.random.default_rng()
    rules = site.settings.federation
    encoded = encode(clip_update(update, rules), rules, generator)
    write_whole(Path(order.update), encode_message(update_message(encoded, order.request)))


@dataclass(slots=True)
class _Worker:
    """The state of the process: the site with its data, and the fork that trains."""

    load_site: LoadSite
    site: LoadedSite | None = None
    fork: int = 0  # process id, 0 for none
    request: str = ""  # for which the fork trains

    def carry_out(self, order: messages.Order) -> None:
        """Carry out one order."""
        match order:
            case messages.Load():
                self._load(order)
            case messages.Train() if self.site is not None:
                self._stop()
                self._fork(self.site, order)
            case messages.Stop():
                self._stop()
            case messages.Export() if self.site is not None:
                _export(self.site, order)

    def check_fork(self) -> bool:
        """Report a fork that was killed; return whether one still trains."""
        if not self.fork:
            return False
        ended, status = os.waitpid(self.fork, os.WNOHANG)
        if not ended:
            return True
        self.fork = 0
        if os.WIFSIGNALED(status):
            _report(messages.TrainingKilled(self.request, signal.Signals(os.WTERMSIG(status)).name))
        return False

    def _load(self, order: messages.Load) -> None:
        try:
            self.site = self.load_site(order)
        except Exception as error:  # a site's files may hold anything; the site must see why they fail
            _report(messages.LoadFailed(type(error).__name__, str(error)))
        else:
            _report(messages.Loaded())

    def _fork(self, site: LoadedSite, order: messages.Train) -> None:
        sys.stdout.flush()
        self.request, self.fork = order.request, os.fork()
        if self.fork:
            return
        try:  # the fork must not return: the stack below belongs to the worker
            die_with_parent()
            train(site, order)
            _report(messages.TrainingDone(order.request))
        except ModelRefused as refusal:
            _report(messages.ModelVetoed(order.request, str(refusal)))
        except BaseException as error:
            _report(messages.TrainingFailed(order.request, type(error).__name__, str(error)))
        finally:
            sys.stdout.flush()
            os._exit(0)

    def _stop(self) -> None:
        if self.fork:
            os.kill(self.fork, signal.SIGKILL)
            os.waitpid(self.fork, 0)
            self.fork = 0


def _lines(check_fork: Callable[[], bool]) -> Iterator[bytes]:
    """Yield the lines of standard input; call ``check_fork`` often while it returns true."""
    rest = b""
    while True:
        ready, _, _ = select([0], [], [], CHECK if check_fork() else None)
        if not ready:
            continue
        piece = os.read(0, PIECE)
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines


def _export(site: LoadedSite, order: messages.Export) -> None:
    try:
        model, note = _chosen(site, order)
        text = f"{order.out}: {site.export(model, Path(order.out))}{note}"
    except Exception as error:  # the federation has ended: report the error as the result
        text = f"the final model could not be written: {type(error).__name__}: {error}"
    _report(messages.Exported(text))


def _chosen(site: LoadedSite, order: messages.Export) -> tuple[State, str]:
    """Return the model to write, and a remark on the choice."""
    model = read_tensors(Path(order.model))
    if order.otherwise:
        try:
            check_score(site.judge(model), order.least)
        except ModelRefused as refusal:
            return read_tensors(Path(order.otherwise)), f"; it is the last that was accepted, for {refusal}"
    return model, ""


def _report(event: messages.Event) -> None:
    os.write(1, messages.to_line(event))
