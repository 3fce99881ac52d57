"""A site's veto: it judges each new model on its held-out examples, and does not train on one that is much worse.

The coordinator withdraws a barrier's model when most sites refuse it (coordinator.py). Nobody but the site sees the
examples or the scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isnan

from fedbragg.errors import ModelRefused
from fedbragg.federation.trainer import ChangedTrainer, Trainer
from fedbragg.state_arithmetic import copy_state
from fedbragg.types import State, Update

Judge = Callable[[State], float]
"""Return the task's first metric of a model on the site's held-out examples; more is better."""


@dataclass(slots=True)
class Standard:
    """The least that a site accepts: its best accepted score so far, less what it allows."""

    largest_fall: float  # of the metric
    best: float | None = None  # of the accepted models; None before the first, which is always accepted

    @property
    def least(self) -> float | None:
        """Return the least score that is accepted, None where every one is."""
        return None if self.best is None else self.best - self.largest_fall

    def take(self, score: float) -> None:
        """Accept a model of this score; raise ModelRefused where it is too bad. A score that is no number is."""
        check_score(score, self.least)
        if not isnan(score):
            self.best = score if self.best is None else max(self.best, score)


def check_score(score: float, least: float | None) -> None:
    """Raise ModelRefused where a score is below the least that is accepted, or no number."""
    if least is not None and not score >= least:
        raise ModelRefused("the model is much worse than an earlier one on this site's held-out examples")


@dataclass(slots=True, eq=False)
class Veto:
    """A site's judgement of models, and the newest that it has accepted."""

    judge: Judge
    standard: Standard
    accepted: State | None = field(default=None, init=False)

    def over(self, trainer: Trainer) -> Trainer:
        """Return a trainer that judges each model before it trains; it raises ModelRefused where that is too bad."""

        def train(trainer: Trainer, model: State, version: int, epochs: int) -> Update:
            self.standard.take(self.judge(model))
            self.accepted = copy_state(model)
            return trainer.train(model, version, epochs)

        return ChangedTrainer(trainer, train)

    def kept(self, final: State) -> State:
        """Return the federation's last model where the site accepts it, else the newest that it has accepted."""
        try:
            self.standard.take(self.judge(final))
        except ModelRefused:
            return final if self.accepted is None else self.accepted
        return final
