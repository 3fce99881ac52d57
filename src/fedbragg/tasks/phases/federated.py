"""What a federation with ``task = "phases"`` is made of: the task, sites' patterns, the start and the model file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from glob import glob
from pathlib import Path
from typing import Any

from fedbragg.config import Federation, PhasesSettings, SiteSettings
from fedbragg.errors import LabelError
from fedbragg.images.paths import natural
from fedbragg.simulate.powder import SHIPPED, Phase, read_phase, shipped_phases
from fedbragg.tasks.phases.build import Recipe, enough_lines, recipe_for, write_phases_model
from fedbragg.tasks.phases.files.columns import SUFFIXES
from fedbragg.tasks.phases.learner import PhaseTask
from fedbragg.tasks.phases.site import PhaseFrames
from fedbragg.tasks.phases.sources import Scene, measured, simulated
from fedbragg.types import State


def phase_frames(
    settings: Federation, site: SiteSettings, folder: Path, tick: Callable[[int], None]
) -> PhaseFrames:
    """Read a site's patterns and labels, relative paths seen from ``folder``."""
    task = phase_task(settings.phases)
    files = list(dict.fromkeys(file for run in site.runs for file in _files(folder, run)))
    if not files:
        raise LabelError(f"site {site.name}: no pattern under {', '.join(site.runs)}.")
    data = measured(files, folder / site.labels, _names(task), task.settings, settings.phases.wavelength)
    tick(1)
    return PhaseFrames(task, data)


def phase_start(
    settings: Federation, tick: Callable[[], None], watch: Callable[[int, float], None] | None
) -> dict[str, Any]:
    """Train the model that every site starts from, on simulated patterns that belong to nobody."""
    task, recipe = phase_task(settings.phases), _recipe(settings.phases)
    model, data = settings.model, None
    if model.public_frames and model.public_epochs:
        scene = Scene(_phases(settings.phases.structures), task.settings, recipe.conditions)
        data = simulated(scene, model.public_frames, settings.seed, tick)
    return task.pretrain(data, model.public_epochs, settings.seed, watch)


def write_federated(path: Path, settings: Federation, state: State, provenance: dict[str, Any]) -> None:
    """Write the model file, without a word of where structures lie."""
    write_phases_model(path, phase_task(settings.phases), state, settings.phases.wavelength, provenance)


def phase_task(settings: PhasesSettings) -> PhaseTask:
    """Return which phases are told apart, and how; raise InputError for a phase without enough lines."""
    recipe = _recipe(settings)
    lines = enough_lines(_phases(settings.structures), recipe.settings)
    return PhaseTask(lines, recipe.settings, settings.loss, settings.one_sided)


def _recipe(settings: PhasesSettings) -> Recipe:
    recipe = recipe_for(settings.wavelength, settings.two_theta, Recipe(loss=settings.loss))
    return recipe if settings.two_theta else replace(recipe, settings=Recipe().settings)


@lru_cache(maxsize=4)
def _phases(structures: tuple[str, ...]) -> tuple[Phase, ...]:
    return tuple(shipped_phases((s,))[0] if s in SHIPPED else read_phase(Path(s)) for s in structures)


def _names(task: PhaseTask) -> list[str]:
    return [lines.name for lines in task.lines]


def _files(folder: Path, run: str) -> list[Path]:
    """Return the patterns of a file, folder or glob, in natural order."""
    path = folder / run
    if path.is_dir():
        found = [file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES]
    else:
        named = [str(path)] if path.is_file() else glob(str(path), recursive=True)  # noqa: PTH207  may be absolute
        found = [Path(name) for name in named]
    return sorted(found, key=lambda file: natural(str(file)))
