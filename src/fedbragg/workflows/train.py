"""Adapt a model to a user's own labelled examples, without a federation, and measure whether that helped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import SiteSettings
from fedbragg.errors import InputError
from fedbragg.metrics.estimate import UNKNOWN, Estimate
from fedbragg.models.onnx_file import digest, read_state
from fedbragg.progress import SILENT, Progress
from fedbragg.tasks.adapt import Adapting, adapted, trained_with
from fedbragg.tasks.base import Task
from fedbragg.tasks.registry import module_of_model
from fedbragg.types import State
from fedbragg.version import __version__
from fedbragg.workflows.site_data import SiteData, read_site

RESAMPLES = 400
"""Number of block resamples for the interval of the difference."""


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """The data to train on, the model to start from, and the settings."""

    paths: tuple[str, ...]  # files, globs or folders
    labels: Path  # the task's table of labels
    out: Path  # model file to write
    model: Path  # model file to start from
    adapting: Adapting = field(default_factory=Adapting)
    held_out: float = 0.3  # share of the examples, the last in time, that only test
    force: bool = False  # write the model even if it is worse or cannot be tested


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The trained model compared with the one it started from, on the examples held back."""

    unit: str  # the word for one example
    headline: str  # the metric that decides
    trained: int  # examples trained on
    held_out: int  # examples held back
    before: Mapping[str, Estimate]
    after: Mapping[str, Estimate]
    gain: Estimate  # of the headline, with its paired 95 % interval
    next_command: str  # suggested next, with {model} for the model file

    @property
    def verdict(self) -> str:
        """Return in a few words whether the model got better."""
        if not isfinite(self.gain.value):
            return "cannot be tested"
        if self.gain.low > 0:
            return "better"
        if self.gain.value < 0:
            return "worse"
        return "no worse, but no gain shown"


def train(request: TrainRequest, progress: Progress = SILENT) -> Trained:
    """Train on the first examples in time, test on the last, and write the model unless it is worse there.

    Raises InputError if it is worse or cannot be tested and ``force`` is off; then nothing is written. Raises
    ConfigError, before any file is read, for a device that the machine does not have.
    """
    task = module_of_model(request.model).task_of_model(
        request.model
    )  # names the extra where torch is missing
    from fedbragg.learn.device import open_device  # torch, so only after the line above

    open_device(request.adapting.fit.device)
    start = read_state(request.model)
    site = SiteSettings(name="here", runs=request.paths, labels=str(request.labels))
    data = read_site(task, site, Path(), request.held_out, progress)
    step = progress.stage("Training", request.adapting.fit.epochs)
    state = adapted(task, start, data.train, request.adapting, step)
    found = _compare(task, data, start, state, request.adapting.seed)
    if not request.force and found.verdict in ("worse", "cannot be tested"):
        raise InputError(_refusal(found))
    task.export(state, request.out, _provenance(task, request, data))
    return found


def _compare(task: Task[Any], data: SiteData[Any], start: State, state: State, seed: int) -> Trained:
    truth = data.held_out.truth
    answers = task.answers(start, data.held_out), task.answers(state, data.held_out)
    before, after = (task.metrics(truth, one) for one in answers)
    headline = task.headlines[0]
    gain = paired_gain(task, truth, answers, seed)
    examples = len(data.train), len(data.held_out)
    return Trained(task.unit, headline, *examples, before, after, gain, task.next_command)


def paired_gain(
    task: Task[Any],
    truth: NDArray[Any],
    answers: tuple[NDArray[Any], NDArray[Any]],
    seed: int,
    metric: str = "",
) -> Estimate:
    """Return by how much a metric (the headline) of the second model exceeds the first one's on the same examples.

    The 95 % interval is the percentile bootstrap over blocks of neighbours (Künsch 1989), because neighbours in time
    are correlated. It is NaN where the metric is undefined.
    """
    headline = metric or task.headlines[0]

    def gain(rows: NDArray[np.int64]) -> float:
        first, second = (task.metrics(truth[rows], one[rows])[headline].value for one in answers)
        return second - first

    generator = np.random.default_rng(seed)
    draws = [gain(_resample(len(truth), generator)) for _ in range(RESAMPLES)]
    finite: NDArray[np.float64] = np.array([draw for draw in draws if isfinite(draw)])
    if len(finite) < RESAMPLES / 2:
        return UNKNOWN
    low, high = np.quantile(finite, [0.025, 0.975])
    return Estimate(gain(np.arange(len(truth))), float(low), float(high))


def _resample(number: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw blocks of neighbours, each about as long as the root of the number of examples, up to that number."""
    length = max(round(number**0.5), 1)
    starts = generator.integers(0, number - length + 1, -(-number // length))
    rows: NDArray[np.int64] = (starts[:, None] + np.arange(length)).ravel()
    return rows


def _refusal(found: Trained) -> str:
    held_back = f"the {found.held_out} {found.unit}s held back"
    if found.verdict == "worse":
        return (
            f"on {held_back} the trained model is worse: {found.headline} {found.after[found.headline]}, before "
            f"{found.before[found.headline]}. Nothing is written. Label more, or add --force."
        )
    return (
        f"{held_back} all have the same label, so they cannot test the model. Nothing is written. Label more of the "
        "other kind at the end of the run, or add --force."
    )


def _provenance(task: Task[Any], request: TrainRequest, data: SiteData[Any]) -> dict[str, Any]:
    return {
        "fedbragg": __version__,
        "made_by": "fedbragg train",
        "from": digest(request.model),
        "examples": len(data.train),
        "held_out": len(data.held_out),
        **trained_with(task, request.adapting),
    }
