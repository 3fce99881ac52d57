"""Labelled patterns to train on: from the simulator, or from files and a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from fedbragg.progress import Step
from fedbragg.simulation.powder import (
    Phase,
    PowderConditions,
    SimulatedPattern,
    draw_present,
    simulate_pattern,
)
from fedbragg.tasks.phases.data import PhaseData
from fedbragg.tasks.phases.files.pattern import read_pattern
from fedbragg.tasks.phases.labels import labelled_files
from fedbragg.tasks.phases.model_card import PhaseLines, strongest_lines
from fedbragg.tasks.phases.prepare import PatternSettings, prepare_pattern


def lines_of(phases: Sequence[Phase], settings: PatternSettings) -> tuple[PhaseLines, ...]:
    """Return the lines by which phases are recognised."""
    return tuple(strongest_lines(phase.name, phase.q(), phase.intensity, settings) for phase in phases)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What simulated patterns may show, and how they are prepared."""

    phases: Sequence[Phase]
    settings: PatternSettings = field(default_factory=PatternSettings)
    conditions: PowderConditions = field(default_factory=PowderConditions)
    never: tuple[int, ...] = ()  # positions of the phases that do not occur


def simulated(scene: Scene, patterns: int, seed: int, step: Step | None = None) -> PhaseData:
    """Simulate labelled patterns."""
    generator = np.random.default_rng(seed)
    made = []
    for _ in range(patterns):
        present = draw_present(len(scene.phases), scene.conditions, generator)
        present[list(scene.never)] = False
        made.append(simulate_pattern(scene.phases, present, scene.conditions, generator))
        if step is not None:
            step()
    return gather(made, scene.settings)


def gather(made: Sequence[SimulatedPattern], settings: PatternSettings) -> PhaseData:
    """Prepare simulated patterns."""
    views = np.stack([prepare_pattern(one.pattern, settings) for one in made])
    labels = np.stack([one.seen for one in made]).astype(np.float32)
    return PhaseData(
        torch.from_numpy(views), torch.from_numpy(labels), torch.zeros(len(made), dtype=torch.bool)
    )


def measured(
    files: Sequence[Path], table: Path, names: Sequence[str], settings: PatternSettings, wavelength: float
) -> PhaseData:
    """Read and prepare those of the files, in their order, that the table ``path,PHASE,PHASE,...`` has labels for."""
    chosen, truth = labelled_files(files, table, names)
    views = np.stack([prepare_pattern(read_pattern(file, wavelength), settings) for file in chosen])
    return PhaseData(
        torch.from_numpy(views),
        torch.from_numpy(truth.astype(np.float32)),
        torch.ones(len(chosen), dtype=torch.bool),
    )
