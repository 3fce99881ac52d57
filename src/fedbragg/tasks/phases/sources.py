"""Labelled patterns to train on, from the simulator or from files with a table."""

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
    """Return each phase's strongest lines on the grid."""
    return tuple(strongest_lines(phase.name, phase.q(), phase.intensity, settings) for phase in phases)


@dataclass(frozen=True, slots=True, eq=False)
class SimulationPlan:
    """The phases and conditions of simulated patterns, and how they are prepared."""

    phases: Sequence[Phase]
    settings: PatternSettings = field(default_factory=PatternSettings)
    conditions: PowderConditions = field(default_factory=PowderConditions)
    never: tuple[int, ...] = ()  # positions of phases that do not occur


def simulated(plan: SimulationPlan, patterns: int, seed: int, step: Step | None = None) -> PhaseData:
    """Simulate labelled patterns."""
    generator = np.random.default_rng(seed)
    made = []
    for _ in range(patterns):
        present = draw_present(len(plan.phases), plan.conditions, generator)
        present[list(plan.never)] = False
        made.append(simulate_pattern(plan.phases, present, plan.conditions, generator))
        if step is not None:
            step()
    return prepare_simulated(made, plan.settings)


def prepare_simulated(made: Sequence[SimulatedPattern], settings: PatternSettings) -> PhaseData:
    """Prepare simulated patterns."""
    views = np.stack([prepare_pattern(one.pattern, settings) for one in made])
    labels = np.stack([one.seen for one in made]).astype(np.float32)
    return PhaseData(
        torch.from_numpy(views), torch.from_numpy(labels), torch.zeros(len(made), dtype=torch.bool)
    )


def measured(
    files: Sequence[Path], table: Path, names: Sequence[str], settings: PatternSettings, wavelength: float
) -> PhaseData:
    """Read and prepare the files that have labels in the table ``path,PHASE,PHASE,...``, in their order."""
    chosen, truth = labelled_files(files, table, names)
    views = np.stack([prepare_pattern(read_pattern(file, wavelength), settings) for file in chosen])
    return PhaseData(
        torch.from_numpy(views),
        torch.from_numpy(truth.astype(np.float32)),
        torch.ones(len(chosen), dtype=torch.bool),
    )
