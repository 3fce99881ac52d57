"""Segments: the grains, precipitates and cracks of micrographs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedbragg.config import Federation
    from fedbragg.tasks.segments.predictor import SegmentPredictor
    from fedbragg.tasks.segments.task import SegmentsTask


def open_task(settings: Federation, folder: Path | None) -> SegmentsTask:
    """Check the section ``[segments]`` and return the task."""
    from fedbragg.config import read_section
    from fedbragg.extras import require
    from fedbragg.tasks.segments.settings import SegmentsSettings

    require("train", "training")
    require("segments", "segmenting micrographs")
    checked = read_section(settings, SegmentsSettings)
    from fedbragg.learn.threads import keep_to_one_core
    from fedbragg.tasks.segments.task import SegmentsTask

    keep_to_one_core()
    return SegmentsTask(checked)


def task_of_model(path: Path) -> SegmentsTask:
    """Return the task that a model file was trained for."""
    from fedbragg.extras import require

    require("train", "training")
    require("segments", "segmenting micrographs")
    from fedbragg.learn.threads import keep_to_one_core
    from fedbragg.tasks.segments.model_file import Segmenter
    from fedbragg.tasks.segments.settings import SegmentsSettings
    from fedbragg.tasks.segments.task import SegmentsTask

    keep_to_one_core()
    classes = Segmenter(path).card.classes
    return SegmentsTask(SegmentsSettings(names=classes.names, boundary=classes.boundary))


def open_model(path: Path) -> SegmentPredictor:
    """Open a model file; raise ModelFileError for one of another task, or another file."""
    from fedbragg.tasks.segments.predictor import SegmentPredictor

    return SegmentPredictor(path)


def default_model() -> Path:
    """Return the model file in the package."""
    from fedbragg.models.onnx_file import packaged

    return packaged(__file__, "scripts/build-segments-model")
