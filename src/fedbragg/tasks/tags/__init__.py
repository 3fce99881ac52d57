"""Tags: the features that a scattering image shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedbragg.config import Federation
    from fedbragg.tasks.tags.checklist import TagChecklist
    from fedbragg.tasks.tags.predictor import TagPredictor
    from fedbragg.tasks.tags.task import TagsTask


def open_task(settings: Federation, folder: Path | None) -> TagsTask:
    """Check the section ``[tags]`` and return the task."""
    from fedbragg.config import read_section
    from fedbragg.extras import require
    from fedbragg.tasks.tags.settings import TagsSettings

    require("train", "training")
    checked = read_section(settings, TagsSettings)
    from fedbragg.learn.threads import keep_to_one_core
    from fedbragg.tasks.tags.task import TagsTask

    keep_to_one_core()
    return TagsTask(checked)


def task_of_model(path: Path) -> TagsTask:
    """Return the task that a model file was trained for."""
    from fedbragg.extras import require

    require("train", "training")
    from fedbragg.learn.threads import keep_to_one_core
    from fedbragg.tasks.tags.model_file import Tagger
    from fedbragg.tasks.tags.settings import TagsSettings
    from fedbragg.tasks.tags.task import TagsTask

    keep_to_one_core()
    return TagsTask(TagsSettings(names=Tagger(path).card.names))


def open_model(path: Path) -> TagPredictor:
    """Open a model file; raise ModelFileError for one of another task, or another file."""
    from fedbragg.tasks.tags.predictor import TagPredictor

    return TagPredictor(path)


def open_checklist(paths: Sequence[str], model: Path, table: Path) -> TagChecklist:
    """Open images for tagging on a page; raise FedbraggError where that fails."""
    from fedbragg.images.open import open_files
    from fedbragg.tasks.tags.checklist import TagChecklist

    return TagChecklist(open_files(list(paths)), open_model(model))


def default_model() -> Path:
    """Return the model file in the package."""
    from fedbragg.models.onnx_file import packaged

    return packaged(__file__, "scripts/build-tags-model")
