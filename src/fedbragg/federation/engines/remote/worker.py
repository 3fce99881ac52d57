"""The process in which a site's data lie: it reads them once and forks a trainer for every request.

Orders come as lines of JSON on standard input, answers go out as such; models and updates lie in files. When the
client that started it is gone, the worker ends, and a trainer ends with its worker: nothing stays behind.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from select import select
from typing import Any

import numpy as np

from fedbragg.config import Federation
from fedbragg.federation.engines.remote.protocol import decode_message, encode_message, update_message
from fedbragg.federation.privacy import clip_and_noise
from fedbragg.federation.trainer import Trainer
from fedbragg.federation.wire import encode
from fedbragg.files import write_whole
from fedbragg.types import State

Order = dict[str, Any]
PR_SET_PDEATHSIG = 1  # prctl(2)
LOOK = 0.02
"""Seconds between two looks whether a trainer has ended."""


class LoadedSite:
    """One site's trainer with its data, and what to do with a finished model."""

    def __init__(self, settings: Federation, trainer: Trainer, finish: Callable[[State, Path], str]) -> None:
        """Hold a trainer; ``finish`` writes a final model to a path and says how good it is here."""
        self.settings, self.trainer, self.finish = settings, trainer, finish


LoadSite = Callable[[Order], LoadedSite]


def main(make: LoadSite) -> None:
    """Carry out orders until standard input ends."""
    _die_with_parent()
    loaded: LoadedSite | None = None
    child, pending = 0, b""  # the trainer's process; the beginning of a line
    while True:
        ready, _, _ = select([0], [], [], LOOK if child else None)
        child = _reaped(child) if child else 0
        if not ready:
            continue
        chunk = os.read(0, 1 << 16)
        if not chunk:
            return
        *lines, pending = (pending + chunk).split(b"\n")
        for order in map(json.loads, lines):
            if "terms" in order:
                loaded = _loaded(make, order)
            elif loaded is not None:
                child = _carried_out(loaded, order, child)


def _carried_out(loaded: LoadedSite, order: Order, child: int) -> int:
    """Carry out an order and return the trainer that is at work then, 0 for none."""
    if "final" in order:
        _finish(loaded, order)
        return child
    _stop(child)
    return _forked(loaded, order) if "train" in order else 0


def _loaded(make: LoadSite, order: Order) -> LoadedSite | None:
    try:
        loaded = make(order)
    except Exception as error:  # a site's files may be anything; its people must hear of it
        _say(refused=str(error), kind=type(error).__name__)
    else:
        _say(ready=loaded.trainer.samples)
        return loaded
    return None


def _forked(loaded: LoadedSite, order: Order) -> int:
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    try:  # the child must not return: the stack below belongs to the worker
        _die_with_parent()
        train(loaded, order)
    except BaseException as error:
        _say(failed=order["train"], reason=str(error), kind=type(error).__name__)
    finally:
        sys.stdout.flush()
        os._exit(0)


def train(loaded: LoadedSite, order: Order) -> None:
    """Train on one request and write the update as it travels: shortened, noised and packed before it leaves."""
    with Path(order["model"]).open(
        "rb"
    ) as file:  # mapped and not read: writing copies a page, the file stays
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    model = decode_message(memoryview(mapped)).tensors
    update = loaded.trainer.train(model, order["version"], order["epochs"])
    generator = np.random.default_rng()  # from the system: nobody can guess a site's noise
    rules = loaded.settings.federation
    encoded = encode(clip_and_noise(update, rules, generator), rules, generator)
    write_whole(Path(order["update"]), encode_message(update_message(encoded, order["train"])))
    _say(done=order["train"])


def _reaped(child: int) -> int:
    """Return the child if it still trains, 0 if it has ended; report a death by signal."""
    done, status = os.waitpid(child, os.WNOHANG)
    if not done:
        return child
    if os.WIFSIGNALED(status):
        _say(killed=signal.Signals(os.WTERMSIG(status)).name)
    return 0


def _stop(child: int) -> None:
    if child:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _finish(loaded: LoadedSite, order: Order) -> None:
    model = decode_message(Path(order["final"]).read_bytes()).tensors
    try:
        said = loaded.finish(model, Path(order["out"]))
    except Exception as error:  # the federation is over; what is wrong here must be told here
        said = f"the model could not be written: {type(error).__name__}: {error}"
    _say(final=said)


def _say(**answer: Any) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


def _die_with_parent() -> None:
    """Have the kernel end this process when the one that started it ends."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            time.sleep(0)
            os._exit(1)
