"""The record that an engine keeps: history, evaluations, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fedbragg.federation.checkpoint import Saved, save
from fedbragg.federation.events import Checkpoint, Finish, ModelChanged
from fedbragg.federation.progress import Outcome, Progress
from fedbragg.types import State

Watch = Callable[[Progress], None]
Evaluate = Callable[[State], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where checkpoints go, and whose they are."""

    folder: Path
    fingerprint: str


class Ledger:
    """Keep the history, tell whoever watches, evaluate and save at barriers."""

    def __init__(self, watch: Watch | None, evaluate: Evaluate | None, shelf: Shelf | None) -> None:
        self._watch = watch
        self._evaluate = evaluate
        self._shelf = shelf
        self._saved: Saved | None = None
        self.history: list[dict[str, Any]] = []
        self.outcome: Outcome | None = None

    def begin(self, model: State, saved: Saved | None) -> None:
        """Open with the start model, or with the history of a checkpoint."""
        if saved is None:
            self.note(Progress("start", 0.0, version=0, barrier=0, evaluation=self._evaluation(model)))
        else:
            self.history, self._saved = list(saved.history), saved

    def note(self, progress: Progress) -> None:
        """Take down one thing that happened; models sent are told but not kept."""
        if progress.event != "sent":
            self.history.append(progress.as_dict())
        if self._watch is not None:
            self._watch(progress)

    def changed(self, command: ModelChanged, time: float) -> None:
        """Take down a new global model; at a barrier, evaluate it."""
        self.note(
            Progress(
                "barrier" if command.at_barrier else "step",
                time,
                version=command.version,
                barrier=command.barrier,
                loss=_mean_loss(command),
                weights=command.weights,
                losses=command.losses,
                evaluation=self._evaluation(command.model) if command.at_barrier else {},
            )
        )

    def checkpoint(self, command: Checkpoint, time: float) -> None:
        """Save the federation as it stands."""
        self._saved = Saved(command.model, dict(command.record), list(self.history), time)
        self._save()

    def finish(self, command: Finish, time: float) -> None:
        """Take down the end, also on disk."""
        barriers = self._saved.record["barrier"] if self._saved else 0
        self.note(Progress("finish", time, barrier=barriers, reason=command.reason))
        self.outcome = Outcome(command.model, self.history, barriers, command.reason)
        if self._saved:
            self._saved = replace(self._saved, history=list(self.history), finished=command.reason)
            self._save()

    def _save(self) -> None:
        if self._shelf and self._saved:
            save(self._shelf.folder, self._saved, self._shelf.fingerprint)

    def _evaluation(self, model: State) -> Mapping[str, float]:
        return {} if self._evaluate is None else {name: float(v) for name, v in self._evaluate(model).items()}


def _mean_loss(command: ModelChanged) -> float:
    """Average the sites' losses by their shares in this step."""
    total = sum(command.weights.values()) or 1.0
    return sum(weight * command.losses[site] for site, weight in command.weights.items()) / total
