"""Train a segments model on a user's own micrographs and masks, and measure how good it is on those held back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedbragg.config import SiteSettings
from fedbragg.errors import InputError
from fedbragg.learn.device import open_device
from fedbragg.learn.settings import FitSettings
from fedbragg.learn.state import state_of
from fedbragg.metrics.estimate import Estimate
from fedbragg.models.onnx_file import digest, read_state
from fedbragg.progress import SILENT, Progress, Step
from fedbragg.tasks.segments import learner, task_of_model
from fedbragg.tasks.segments.data import UNKNOWN, SegmentData
from fedbragg.tasks.segments.network import network_of, with_classes
from fedbragg.tasks.segments.picture_file import read_mask
from fedbragg.tasks.segments.picture_paths import find_masks
from fedbragg.tasks.segments.settings import SegmentsSettings
from fedbragg.tasks.segments.task import SegmentsTask
from fedbragg.types import State
from fedbragg.workflows.site_data import SiteData, split
from fedbragg.workflows.train import paired_gain

FITTING = FitSettings(epochs=180, batch=8, learning_rate=2e-3, annealed=True)
"""Default settings: enough for thin cracks in some ten micrographs (decision 134)."""


@dataclass(frozen=True, slots=True)
class SegmentsTraining:
    """The micrographs to train on, the start model and the settings."""

    images: Path  # folder of the micrographs
    masks: Path  # folder of the masks, paired by file name
    out: Path  # model file to write
    model: Path  # model file to start from
    names: tuple[str, ...] = ()  # of the classes by index; none takes those of the start, or numbers
    fit: FitSettings = FITTING
    held_out: float = 0.3  # share of the micrographs, the last by name, that only test; 0 tests nothing
    seed: int = 1
    force: bool = False  # write the model even if it is worse


@dataclass(frozen=True, slots=True, eq=False)
class TrainedSegments:
    """The model's metrics on the micrographs held back."""

    names: tuple[str, ...]
    trained: int  # micrographs trained on to be judged; the model written has learnt from all
    held_out: int
    metrics: Mapping[str, Estimate]  # on the micrographs held back; empty where there are none
    before: Mapping[str, Estimate]  # of the start; empty where it has other classes
    gain: Estimate | None  # of the first metric over the start, with its paired 95 % interval


def train_segments(training: SegmentsTraining, progress: Progress = SILENT) -> TrainedSegments:
    """Train on the first micrographs, test on the last, then train on all and write that model.

    Raises InputError where the model is worse than the start on those held back, unless ``force``; then nothing is
    written. Raises ConfigError for a device that the machine does not have.
    """
    open_device(training.fit.device)
    known = task_of_model(training.model).settings
    settings = SegmentsSettings(
        names=training.names or _names(training.masks, known.names), boundary=known.boundary
    )
    task = SegmentsTask(settings)
    start = with_classes(read_state(training.model), known.names, settings.names, training.seed)
    site = SiteSettings(name="here", runs=(str(training.images),), labels=str(training.masks))
    data = task.read(site, Path(), progress)
    site_data = split("here", data, training.held_out)
    judged = _judged(task, site_data, (start, settings.names == known.names), training, progress)
    _refuse_worse(judged, training)
    state = _trained(
        start, data, training, progress.stage("Training on all micrographs", training.fit.epochs)
    )
    task.export(state, training.out, _provenance(training, len(data)))
    return judged


def _names(masks: Path, known: Sequence[str]) -> tuple[str, ...]:
    """Return the start's classes where the masks hold no others, else one name for each index."""
    highest = 0
    for path in find_masks(masks).values():
        mask = read_mask(path, None, 255)
        highest = max(highest, int(mask[mask != UNKNOWN].max(initial=0)))
    return tuple(known) if highest < len(known) else tuple(f"class{i}" for i in range(highest + 1))


def _judged(
    task: SegmentsTask,
    site: SiteData[SegmentData],
    start: tuple[State, bool],
    training: SegmentsTraining,
    progress: Progress,
) -> TrainedSegments:
    """Train on the first micrographs and test on the last; ``start`` is a model and whether it has the same classes."""
    counts = len(site.train), len(site.held_out)
    if training.held_out and 0 in counts:
        raise InputError(
            f"{training.images}: {sum(counts)} labelled micrographs are too few to hold some back. Give --held-out 0."
        )
    if not training.held_out:
        return TrainedSegments(task.settings.names, *counts, {}, {}, None)
    step = progress.stage("Training to be tested", training.fit.epochs)
    state = _trained(start[0], site.train, training, step)
    truth, answers = site.held_out.truth, task.answers(state, site.held_out)
    metrics = task.metrics(truth, answers)
    if not start[1]:
        return TrainedSegments(task.settings.names, *counts, metrics, {}, None)
    before = task.answers(start[0], site.held_out)
    gain = paired_gain(task, truth, (before, answers), training.seed)
    return TrainedSegments(task.settings.names, *counts, metrics, task.metrics(truth, before), gain)


def _trained(start: State, data: SegmentData, training: SegmentsTraining, step: Step) -> State:
    network = network_of(start, data.classes)
    learner.train(network, data, training.fit, training.seed, step)
    return state_of(network)


def _refuse_worse(judged: TrainedSegments, training: SegmentsTraining) -> None:
    if judged.gain is not None and judged.gain.value < 0 and not training.force:
        raise InputError(
            f"on the {judged.held_out} micrographs held back the trained model is worse by {-judged.gain.value:.3f}. "
            "Nothing is written. Label more, or add --force."
        )


def _provenance(training: SegmentsTraining, micrographs: int) -> dict[str, Any]:
    return {
        "made_by": "fedbragg segments train",
        "from": digest(training.model),
        "examples": micrographs,
        "epochs": training.fit.epochs,
        "learning_rate": training.fit.learning_rate,
        "precision": training.fit.precision,
        "seed": training.seed,
    }
