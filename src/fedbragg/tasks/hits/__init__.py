"""Hit finding: whether a frame shows Bragg spots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from fedbragg.errors import ModelFileError

if TYPE_CHECKING:
    from fedbragg.config import Federation
    from fedbragg.tasks.hits.predictor import HitPredictor
    from fedbragg.tasks.hits.task import HitsTask


def open_task(settings: Federation, folder: Path | None) -> HitsTask:
    """Check the section ``[hits]`` and return the task."""
    from fedbragg.config import read_section
    from fedbragg.extras import require
    from fedbragg.tasks.hits.settings import HitsSettings

    require("train", "training")
    checked = read_section(settings, HitsSettings)
    from fedbragg.learn.threads import keep_to_one_core
    from fedbragg.tasks.hits.prepare import PrepareSettings
    from fedbragg.tasks.hits.task import HitsTask

    keep_to_one_core()
    return HitsTask(checked, PrepareSettings(checked.block))


def task_of_model(path: Path) -> HitsTask:
    """Return the task that a model file was trained for."""
    from fedbragg.extras import require

    require("train", "training")
    from fedbragg.learn.threads import keep_to_one_core
    from fedbragg.tasks.hits.model_file import Scorer
    from fedbragg.tasks.hits.settings import HitsSettings, NetworkName
    from fedbragg.tasks.hits.task import HitsTask

    keep_to_one_core()
    card = Scorer(path).card
    if card.network not in get_args(NetworkName):
        raise ModelFileError(
            f"{path}: this version does not know its network {card.network!r}. Update fedbragg."
        )
    settings = HitsSettings.model_validate({"network": card.network, "block": card.prepare.block})
    return HitsTask(settings, card.prepare)


def open_model(path: Path) -> HitPredictor:
    """Open a model file; raise ModelFileError if it is not one of hit finding."""
    from fedbragg.tasks.hits.predictor import HitPredictor

    return HitPredictor(path)


def default_model() -> Path:
    """Return the packaged model file."""
    from fedbragg.models.onnx_file import packaged

    return packaged(__file__, "scripts/build-model")
