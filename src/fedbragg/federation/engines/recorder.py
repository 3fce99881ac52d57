"""Record what happens in a federation: history, evaluations, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fedbragg.federation.checkpoint import CheckpointStore, Saved
from fedbragg.federation.events import Finish, ModelChanged, ModelWithdrawn, SaveCheckpoint
from fedbragg.federation.progress import FederationOutcome, ProgressEvent
from fedbragg.types import State

ProgressListener = Callable[[ProgressEvent], None]
Evaluate = Callable[[State], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class RecordingSettings:
    """What to record of a federation in addition to its history."""

    listener: ProgressListener | None = None
    """Called with every event, models sent included."""
    evaluate: Evaluate | None = None
    """Scores the model at the start and at each barrier."""
    checkpoints: Path | None = None
    """Folder for the checkpoint of the last barrier; a federation resumes from the one that it finds there."""


class Recorder:
    """Keep the history, call the listener, evaluate at barriers and save checkpoints."""

    def __init__(
        self,
        listener: ProgressListener | None = None,
        evaluate: Evaluate | None = None,
        store: CheckpointStore | None = None,
        epsilon: Callable[[int], float | None] = lambda barriers: None,
    ) -> None:
        """Record to ``store``; ``epsilon`` returns the cost of private training after a number of barriers."""
        self._epsilon = epsilon
        self._listener = listener
        self._evaluate = evaluate
        self._store = store
        self._saved: Saved | None = None
        self.history: list[dict[str, Any]] = []
        self.outcome: FederationOutcome | None = None

    def begin(self, model: State, saved: Saved | None) -> None:
        """Start the history with the start model, or continue that of a checkpoint."""
        if saved is None:
            evaluation = self._evaluation(model)
            self.note(ProgressEvent("start", 0.0, version=0, barrier=0, evaluation=evaluation))
        else:
            self.history, self._saved = list(saved.history), saved

    def note(self, event: ProgressEvent) -> None:
        """Record an event; "sent" goes to the listener but not into the history."""
        if event.event != "sent":
            self.history.append(event.as_dict())
        if self._listener is not None:
            self._listener(event)

    def changed(self, command: ModelChanged, time: float) -> None:
        """Record a new global model; evaluate it if it is a barrier's."""
        self.note(
            ProgressEvent(
                "barrier" if command.at_barrier else "step",
                time,
                version=command.version,
                barrier=command.barrier,
                loss=command.summed.loss if command.summed else _mean_loss(command),
                sites=command.summed.sites if command.summed else (),
                weights=command.weights,
                losses=command.losses,
                epsilon=self._epsilon(command.barrier) if command.at_barrier else None,
                evaluation=self._evaluation(command.model) if command.at_barrier else {},
            )
        )

    def withdrawn(self, command: ModelWithdrawn, time: float) -> None:
        """Record that the sites refused a model; evaluate the one that is the newest again."""
        evaluation = self._evaluation(command.model)
        self.note(
            ProgressEvent(
                "withdrawn", time, version=command.version, sites=command.sites, evaluation=evaluation
            )
        )

    def checkpoint(self, command: SaveCheckpoint, time: float) -> None:
        """Save the federation as of this barrier."""
        self._saved = Saved(
            command.model, dict(command.record), list(self.history), time, memory=command.memory
        )
        self._save()

    def finish(self, command: Finish, time: float) -> None:
        """Record the end, in the checkpoint too."""
        barriers = self._saved.record["barrier"] if self._saved else 0
        self.note(ProgressEvent("finish", time, barrier=barriers, reason=command.reason))
        self.outcome = FederationOutcome(command.model, self.history, barriers, command.reason)
        if self._saved:
            self._saved = replace(self._saved, history=list(self.history), finished=command.reason)
            self._save()

    def _save(self) -> None:
        if self._store and self._saved:
            self._store.save(self._saved)

    def _evaluation(self, model: State) -> Mapping[str, float]:
        return {} if self._evaluate is None else {name: float(v) for name, v in self._evaluate(model).items()}


def _mean_loss(command: ModelChanged) -> float:
    """Average the sites' losses by their shares in this step."""
    total = sum(command.weights.values()) or 1.0
    return sum(weight * command.losses[site] for site, weight in command.weights.items()) / total
