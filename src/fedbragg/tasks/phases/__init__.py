"""Phase identification: which phases a powder pattern shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedbragg.config import Federation
    from fedbragg.tasks.phases.checklist import PhaseChecklist
    from fedbragg.tasks.phases.predictor import PhasePredictor
    from fedbragg.tasks.phases.task import PhasesTask


def open_task(settings: Federation, folder: Path | None) -> PhasesTask:
    """Check the section ``[phases]`` and return the task; without a folder only shipped structures are allowed."""
    from fedbragg.config import read_section
    from fedbragg.extras import require
    from fedbragg.tasks.phases.settings import PhasesSettings
    from fedbragg.tasks.phases.structures import located

    require("train", "training")
    checked = located(read_section(settings, PhasesSettings), folder)
    from fedbragg.learn.threads import keep_to_one_core
    from fedbragg.tasks.phases.task import open_phases

    keep_to_one_core()
    return open_phases(checked)


def task_of_model(path: Path) -> PhasesTask:
    """Return the task that a model file was trained for."""
    from fedbragg.extras import require

    require("train", "training")
    from fedbragg.learn.threads import keep_to_one_core
    from fedbragg.tasks.phases.model_file import Identifier
    from fedbragg.tasks.phases.task import task_of_card

    keep_to_one_core()
    return task_of_card(Identifier(path).card)


def open_model(path: Path) -> PhasePredictor:
    """Open a model file; raise ModelFileError if it is not one of phase identification."""
    from fedbragg.tasks.phases.predictor import PhasePredictor

    return PhasePredictor(path)


def open_checklist(paths: Sequence[str], model: Path, table: Path) -> PhaseChecklist:
    """Open patterns to ask for their phases; raise FedbraggError where that fails."""
    from fedbragg.errors import InputError
    from fedbragg.tasks.phases.checklist import PhaseChecklist
    from fedbragg.tasks.phases.labels import pattern_files

    files = [file for file in pattern_files(Path(), paths) if file.resolve() != table.resolve()]
    if not files:
        raise InputError(f"{' '.join(paths)}: holds no pattern. Give files or folders of patterns.")
    return PhaseChecklist(files, open_model(model))


def default_model() -> Path:
    """Return the packaged model file."""
    from fedbragg.models.onnx_file import packaged

    return packaged(__file__, "scripts/build-phases-model")
