"""Adapt a hit finder to labels given on the page, and judge it on labels held out of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import SiteSettings
from fedbragg.metrics.classification import Confusion, confusion
from fedbragg.metrics.estimate import Estimate
from fedbragg.models.onnx_file import digest, read_state
from fedbragg.progress import SILENT, Progress
from fedbragg.tasks import hits
from fedbragg.tasks.adapt import Adapting, adapted, trained_with
from fedbragg.tasks.base import Task
from fedbragg.version import __version__
from fedbragg.workflows.train import paired_gain

METRIC = "AUC"
"""The metric to compare; unlike an accuracy it does not depend on a threshold, which calibration moves."""


@dataclass(frozen=True, slots=True)
class TeachRequest:
    """The labels, the model to start from, and the settings."""

    paths: tuple[str, ...]  # image files
    taught: Path  # table path,frame,label of the frames that train
    held_out: Path  # table of those that only test
    model: Path  # model file to start from
    out: Path  # model file to write
    adapting: Adapting = field(default_factory=Adapting)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> TeachRequest:
        """Read paths as a worker process gets them; the settings are the default ones."""
        taught, held_out, model, out = (Path(values[name]) for name in ("taught", "held_out", "model", "out"))
        return TeachRequest(tuple(values["paths"]), taught, held_out, model, out)


@dataclass(frozen=True, slots=True)
class Taught:
    """The taught model beside the one before, on the labels held out."""

    taught: int  # frames that trained it
    held_out: int  # frames that judged it
    before: Estimate  # AUC
    after: Estimate
    gain: Estimate  # of the AUC, with its paired 95 % interval
    decisions_before: Confusion  # each model at its own threshold
    decisions_after: Confusion


def teach(request: TeachRequest, progress: Progress = SILENT) -> Taught:
    """Train, write the model file, and compare it with the one before; raise FedbraggError where it cannot be done."""
    task = hits.task_of_model(request.model)
    start = read_state(request.model)
    taught, held_out = (
        task.read(SiteSettings(name="here", runs=request.paths, labels=str(table)), Path(), progress)
        for table in (request.taught, request.held_out)
    )
    step = progress.stage("Training", request.adapting.fit.epochs)
    state = adapted(task, start, taught, request.adapting, step)
    task.export(state, request.out, _provenance(task, request, len(taught), len(held_out)))
    truth = held_out.truth
    answers = task.answers(start, held_out), task.answers(state, held_out)
    before, after = (task.metrics(truth, one)[METRIC] for one in answers)
    decisions = [
        confusion(truth, _kept(path, one))
        for path, one in zip((request.model, request.out), answers, strict=True)
    ]
    gain = paired_gain(task, truth, answers, request.adapting.seed, METRIC)
    return Taught(len(taught), len(held_out), before, after, gain, *decisions)


def _kept(model: Path, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which frames (frames,) a model file keeps, by the network's own scores."""
    card = hits.open_model(model).card
    calibration = card.calibration
    shown = scores if calibration is None else np.array([calibration.score_map(float(one)) for one in scores])
    kept: NDArray[np.bool_] = shown >= card.threshold
    return kept


def _provenance(task: Task[Any], request: TeachRequest, taught: int, held_out: int) -> dict[str, Any]:
    return {
        "fedbragg": __version__,
        "made_by": "fedbragg review",
        "from": digest(request.model),
        "examples": taught,
        "held_out": held_out,
        "labels": digest(request.taught),
        **trained_with(task, request.adapting),
    }
