"""The server's program that teaches different networks on public frames, and the exchange with it.

It runs beside the server, because it needs the task's own code and its frames in memory. An order is a line of JSON on
its standard input, the answer a line on its standard output; models are in files.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from select import select
from typing import Any

from fedbragg.errors import FederationError
from fedbragg.federation.ensemble import Refine
from fedbragg.federation.tensors import encode_tensors, read_tensors
from fedbragg.files import write_whole
from fedbragg.types import State

COMBINED, TEACHER = "combined:", "site:"
"""Prefixes of tensor names in a round's file: for the combined model, and for a site's own, ``site:NAME:``."""


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """The models to teach at a barrier: the combined model of all networks, and each site's own model."""

    combined: State
    teachers: Mapping[str, State]

    def tensors(self) -> State:
        """Return all tensors under names that tell them apart."""
        named = {f"{COMBINED}{name}": tensor for name, tensor in self.combined.items()}
        for site, model in self.teachers.items():
            named |= {f"{TEACHER}{site}:{name}": tensor for name, tensor in model.items()}
        return named

    @staticmethod
    def of(tensors: State) -> Round:
        """Return the round that a file holds."""
        combined: dict[str, Any] = {}
        teachers: dict[str, dict[str, Any]] = {}
        for name, tensor in tensors.items():
            if name.startswith(COMBINED):
                combined[name.removeprefix(COMBINED)] = tensor
            else:
                site, own = name.removeprefix(TEACHER).split(":", 1)
                teachers.setdefault(site, {})[own] = tensor
        return Round(combined, teachers)


class DistillationProcess:
    """The program as the server sees it; it ends with ``close``, or with the thread that started it."""

    def __init__(self, command: Sequence[str], folder: Path, seconds: float) -> None:
        """Start ``command``, exchange models in ``folder``, and wait at most ``seconds`` for a taught model."""
        self._round, self._taught = folder / "round.safetensors", folder / "taught.safetensors"
        self._seconds = seconds
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, model: State, teachers: Mapping[str, State]) -> State:
        """Return the model with every network taught; raise FederationError where the program fails."""
        write_whole(self._round, encode_tensors(Round(model, teachers).tensors()))
        answer = self._ask({"round": str(self._round), "taught": str(self._taught)})
        if (reason := answer.get("error")) is not None:
            raise FederationError(f"the networks could not be taught: {reason}")
        return read_tensors(self._taught)

    def close(self) -> None:
        """End the program."""
        self._process.kill()
        self._process.wait()
        for end in (self._process.stdin, self._process.stdout):
            if end is not None:
                end.close()

    def _ask(self, order: Mapping[str, str]) -> dict[str, Any]:
        orders, answers = self._process.stdin, self._process.stdout
        if orders is None or answers is None:
            raise FederationError("the program that teaches the networks has no pipes")
        try:
            orders.write(json.dumps(order).encode() + b"\n")
            orders.flush()
        except BrokenPipeError:
            raise FederationError(self._ended()) from None
        if not select([answers], [], [], self._seconds)[0]:
            raise FederationError(f"the networks were not taught within {self._seconds:g} s")
        line = answers.readline()
        if not line:
            raise FederationError(self._ended())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ended(self) -> str:
        code = self._process.wait()
        return f"the program that teaches the networks has ended (exit code {code}); see the server's log"


def carry_out(refine: Refine) -> None:
    """Teach with ``refine`` as standard input asks, until it ends."""
    for line in sys.stdin:
        order = json.loads(line)
        answer: dict[str, str] = {}
        try:
            found = Round.of(read_tensors(Path(order["round"])))
            with redirect_stdout(sys.stderr):  # answers alone are for the server
                taught = refine(found.combined, found.teachers)
            write_whole(Path(order["taught"]), encode_tensors(taught))
        except Exception as error:  # the server must say why
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
