"""Adapt a model to one's own labelled examples, without a federation, and say whether that helped there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import SiteSettings
from fedbragg.errors import InputError
from fedbragg.learn.settings import FitSettings
from fedbragg.metrics.classification import Estimate
from fedbragg.models.onnx_file import digest, read_state
from fedbragg.progress import SILENT, Progress
from fedbragg.tasks.base import Dataset, Task
from fedbragg.tasks.registry import module_of_model
from fedbragg.types import State
from fedbragg.version import __version__
from fedbragg.workflows.site_data import SiteData, read_site

RESAMPLES = 400
"""Block resamples from which the interval of the difference is taken."""


ADAPTING = FitSettings(epochs=15, learning_rate=5e-4)
"""How a model is adapted unless asked otherwise: a site's warm-up (FedKL, section 4), at half its rate."""


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What to train on, from which model, and how."""

    paths: tuple[str, ...]  # files, globs or folders
    labels: Path  # the task's table of labels
    out: Path  # model file to write
    model: Path  # model file to start from
    fit: FitSettings = ADAPTING
    held_out: float = 0.3  # share of the examples, the last in time, that only judge
    seed: int = 1
    force: bool = False  # write the model although it is worse or cannot be judged


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A trained model and the one it started from, on the examples that were held back."""

    unit: str  # what one example is called
    headline: str  # the metric that decides
    trained: int  # examples trained on
    held_out: int  # examples that judge
    before: Mapping[str, Estimate]
    after: Mapping[str, Estimate]
    gain: Estimate  # of the headline, with its paired 95 % interval

    @property
    def verdict(self) -> str:
        """Return in one word group whether the model got better."""
        if not isfinite(self.gain.value):
            return "cannot be judged"
        if self.gain.low > 0:
            return "better"
        if self.gain.value < 0:
            return "worse"
        return "no worse, but no gain shown"


def train(request: TrainRequest, progress: Progress = SILENT) -> Trained:
    """Train on the first examples in time, judge on the last, and write the model unless it is worse there.

    Raises InputError where it is worse or cannot be judged and ``force`` is off; then nothing is written.
    """
    task = module_of_model(request.model).task_of_model(request.model)
    start = read_state(request.model)
    site = SiteSettings(name="here", runs=request.paths, labels=str(request.labels))
    data = read_site(task, site, Path(), request.held_out, progress)
    step = progress.stage("Training", 1)
    state, loss = task.train(start, data.train, request.fit, request.seed)
    step(f"Training, loss {loss:.3f}")
    found = _compared(task, data, start, state, request.seed)
    if not request.force and found.verdict in ("worse", "cannot be judged"):
        raise InputError(_refusal(found))
    task.export(state, request.out, _provenance(request, data))
    return found


def _compared(task: Task[Any], data: SiteData[Any], start: State, state: State, seed: int) -> Trained:
    before, after = (task.evaluate(model, data.held_out) for model in (start, state))
    headline = task.headlines[0]
    gain = paired_gain(task, data.held_out, (start, state), seed)
    return Trained(task.unit, headline, len(data.train), len(data.held_out), before, after, gain)


def paired_gain(task: Task[Any], data: Dataset, models: tuple[State, State], seed: int) -> Estimate:
    """Return how much the headline metric of the second model exceeds the first's, on the same examples.

    The 95 % interval is the percentile bootstrap over blocks of neighbours (Künsch 1989), because neighbours in time
    are alike; NaN where the metric is undefined.
    """
    headline = task.headlines[0]

    def gain(chosen: Any) -> float:
        first, second = (task.evaluate(model, chosen)[headline].value for model in models)
        return second - first

    generator = np.random.default_rng(seed)
    draws = [gain(_resampled(task, data, generator)) for _ in range(RESAMPLES)]
    finite: NDArray[np.float64] = np.array([draw for draw in draws if isfinite(draw)])
    if len(finite) < RESAMPLES / 2:
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(finite, [0.025, 0.975])
    return Estimate(gain(data), float(low), float(high))


def _resampled(task: Task[Any], data: Dataset, generator: np.random.Generator) -> Any:
    """Draw blocks of neighbours, about the root of the number long, until there are as many examples."""
    length = max(round(len(data) ** 0.5), 1)
    starts = generator.integers(0, len(data) - length + 1, -(-len(data) // length))
    return task.concatenate([data[int(start) : int(start) + length] for start in starts])


def _refusal(found: Trained) -> str:
    judged = f"the {found.held_out} {found.unit}s held back"
    if found.verdict == "worse":
        return (
            f"on {judged} the trained model is worse: {found.headline} {found.after[found.headline]}, before "
            f"{found.before[found.headline]}. Nothing is written; label more, or add --force."
        )
    return (
        f"{judged} cannot judge: their labels are all alike. Nothing is written; label more of the other kind at the "
        "end of the run, or add --force."
    )


def _provenance(request: TrainRequest, data: SiteData[Any]) -> dict[str, Any]:
    return {
        "fedbragg": __version__,
        "made_by": "fedbragg train",
        "from": digest(request.model),
        "examples": len(data.train),
        "held_out": len(data.held_out),
        "epochs": request.fit.epochs,
        "learning_rate": request.fit.learning_rate,
        "seed": request.seed,
    }
