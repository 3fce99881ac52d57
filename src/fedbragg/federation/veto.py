"""A site's veto: it judges each new model on its held-out examples, and does not train on one that is much worse.

The coordinator withdraws a barrier's model when most sites refuse it (coordinator.py). Nobody but the site sees the
examples or the scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isnan

from fedbragg.errors import ModelRefused
from fedbragg.federation.trainer import Trainer
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
class WithVeto:
    """A trainer that judges each model before it trains on it."""

    trainer: Trainer
    judge: Judge
    standard: Standard
    accepted: State | None = field(default=None, init=False)  # the newest model that was accepted

    @property
    def name(self) -> str:
        """Return the site's name."""
        return self.trainer.name

    @property
    def speed(self) -> float:
        """Return the trainer's speed."""
        return self.trainer.speed

    @property
    def samples(self) -> int:
        """Return the number of samples that one epoch passes over."""
        return self.trainer.samples

    def train(self, model: State, version: int, epochs: int) -> Update:
        """Judge the model, then train; raise ModelRefused where it is too bad."""
        self.standard.take(self.judge(model))
        self.accepted = copy_state(model)
        return self.trainer.train(model, version, epochs)

    def kept(self, final: State) -> State:
        """Return the federation's last model where the site accepts it, else the newest that it has accepted."""
        try:
            self.standard.take(self.judge(final))
        except ModelRefused:
            return final if self.accepted is None else self.accepted
        return final
