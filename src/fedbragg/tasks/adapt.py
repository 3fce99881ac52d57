"""Adapt a model to one site's own examples: the fewer they are, the less it changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fedbragg.learn.settings import FitSettings
from fedbragg.progress import Step
from fedbragg.state_arithmetic import apply_steps, difference
from fedbragg.tasks.base import Dataset, PackagedTask, Task
from fedbragg.types import State

ADAPTING = FitSettings(epochs=15, learning_rate=5e-4)
"""Default settings: a site's warm-up (FedKL, section 4) at half its learning rate."""


@dataclass(frozen=True, slots=True)
class Adapting:
    """How to adapt a model."""

    fit: FitSettings = ADAPTING
    seed: int = 1
    prior: int | None = None
    """Labelled examples that the start model counts for; None is the task's own number."""


def adapted(
    task: Task[Any], start: State, data: Dataset, adapting: Adapting, step: Step | None = None
) -> State:
    """Train a model and return the mean of its weights before and after, as WiSE-FT does (Wortsman et al. 2022).

    Each counts for a number of examples: the weights after for those that trained them, the weights before for the
    prior. Without examples the start is returned.
    """
    if not len(data):
        return start
    prior = prior_of(task, adapting)
    trained, _ = task.train(start, data, adapting.fit, adapting.seed, step)
    return between(start, trained, len(data) / (len(data) + prior))


def between(start: State, end: State, share: float) -> State:
    """Return weights on the line from ``start`` (share 0) to ``end`` (share 1); integers are those of ``end``."""
    moved = apply_steps(start, [difference(end, start)], [share])
    return {n: moved[n] if np.issubdtype(array.dtype, np.floating) else array for n, array in end.items()}


def prior_of(task: Task[Any], adapting: Adapting) -> int:
    """Return how many labelled examples the start model counts for."""
    if adapting.prior is not None:
        return adapting.prior
    return task.prior_examples if isinstance(task, PackagedTask) else 0


def trained_with(task: Task[Any], adapting: Adapting) -> dict[str, Any]:
    """Return the settings as a model's card states them."""
    return {
        "epochs": adapting.fit.epochs,
        "learning_rate": adapting.fit.learning_rate,
        "seed": adapting.seed,
        "prior": prior_of(task, adapting),
    }
