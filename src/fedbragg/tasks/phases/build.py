"""Train a model that identifies phases from their structures alone: the packaged one, or one for a user's CIFs.

scripts/build-phases-model runs this. It uses no measured pattern; benchmarks/phases.py tests the model on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from fedbragg.bragg import q_of, two_theta_of
from fedbragg.errors import ConfigError, InputError
from fedbragg.metrics.beta_calibration import ScoreMap
from fedbragg.progress import SILENT, Progress
from fedbragg.simulation.powder import Phase, PowderConditions, shipped_phases
from fedbragg.tasks.phases.calibration import fit_calibration
from fedbragg.tasks.phases.learner import PhaseTraining
from fedbragg.tasks.phases.model_card import PhaseCard, PhaseLines
from fedbragg.tasks.phases.model_file import save_phases_model
from fedbragg.tasks.phases.prepare import PatternSettings
from fedbragg.tasks.phases.settings import LossName
from fedbragg.tasks.phases.sources import SimulationPlan, lines_of, simulated
from fedbragg.types import State
from fedbragg.version import __version__

SEED = 30
PATTERNS = 24_000
EPOCHS = 12
CALIBRATING = 8
"""Patterns to train on for each simulated pattern that calibrates."""
FEWEST_LINES = 3
"""Fewest lines on the grid that distinguish a phase from a stray spot."""
MARGIN = 0.2
"""Degrees two-theta by which simulated patterns extend beyond the grid."""


@dataclass(frozen=True, slots=True)
class PhasesRecipe:
    """The settings of a training from structures."""

    seed: int = SEED
    patterns: int = PATTERNS
    epochs: int = EPOCHS
    loss: LossName = "positive"  # docs/decisions/0120
    settings: PatternSettings = field(default_factory=PatternSettings)
    conditions: PowderConditions = field(default_factory=PowderConditions)

    @property
    def calibrating(self) -> int:
        """Return the number of further simulated patterns, which calibrate the probabilities."""
        return max(self.patterns // CALIBRATING, 1)


def recipe_for(wavelength: float, two_theta: tuple[float, float] | None, base: PhasesRecipe) -> PhasesRecipe:
    """Return a recipe for patterns of another wavelength (angstrom) and range (degrees; None keeps the grid in q)."""
    if two_theta is None:
        ends = two_theta_of(np.array([base.settings.q_low, base.settings.q_high]), wavelength)
        if not np.isfinite(ends).all():
            raise ConfigError(
                f"wavelength {wavelength:g} angstrom cannot reach the default range of q; give a range of two-theta."
            )
        low, high = ends.tolist()
    else:
        low, high = two_theta
    if not (0 < low + 1 < high < 170 and wavelength > 0):
        raise ConfigError(
            f"two-theta {low:g} to {high:g} degrees is not a range for a pattern; give 0 < LOW, LOW + 1 < HIGH < 170."
        )
    q_low, q_high = q_of(np.array([low, high]), wavelength)
    conditions = replace(
        base.conditions, wavelength=wavelength, two_theta=(max(low - MARGIN, 0.01), high + MARGIN)
    )
    return replace(base, settings=PatternSettings(float(q_low), float(q_high)), conditions=conditions)


@dataclass(frozen=True, slots=True, eq=False)
class TrainedPhases:
    """A trained network, and the further content of its model file."""

    training: PhaseTraining
    state: State
    calibration: tuple[ScoreMap, ...] = ()  # one for each phase, or none


def train_model(phases: Sequence[Phase], recipe: PhasesRecipe, progress: Progress = SILENT) -> TrainedPhases:
    """Simulate patterns of the phases, train on them and calibrate on others.

    Raises InputError for a phase with too few lines.
    """
    training = PhaseTraining(enough_lines(phases, recipe.settings), recipe.settings, recipe.loss)
    plan = SimulationPlan(phases, recipe.settings, recipe.conditions)
    simulating = progress.stage("Simulating patterns", recipe.patterns + recipe.calibrating)
    data = simulated(plan, recipe.patterns, recipe.seed, simulating)
    held_out = simulated(plan, recipe.calibrating, recipe.seed + 1, simulating)
    state = training.pretrain(data, recipe.epochs, recipe.seed, progress.stage("Training", recipe.epochs))
    calibration = fit_calibration(held_out.truth, training.probabilities(state, held_out))
    return TrainedPhases(training, state, calibration)


def enough_lines(phases: Sequence[Phase], settings: PatternSettings) -> tuple[PhaseLines, ...]:
    """Return each phase's strongest lines on the grid; raise InputError for a phase with too few."""
    lines = lines_of(phases, settings)
    for phase in lines:
        if len(phase.q) < FEWEST_LINES:
            raise InputError(
                f"{phase.name}: {len(phase.q)} lines between q = {settings.q_low:.2f} and "
                f"{settings.q_high:.2f} 1/angstrom, and {FEWEST_LINES} are needed. Give a wider range."
            )
    return lines


def write_phases_model(
    path: Path,
    trained: TrainedPhases,
    wavelength: float,
    provenance: dict[str, Any],
    pattern: Path | None = None,
) -> None:
    """Write a model file with lines, grid, calibration and provenance."""
    training = trained.training
    made = {"fedbragg": __version__, **provenance}
    card = PhaseCard(
        training.lines, wavelength, training.settings, provenance=made, calibration=trained.calibration
    )
    save_phases_model(path, training.exported(trained.state), card, trained.state, pattern)


def provenance(recipe: PhasesRecipe, made_by: str) -> dict[str, Any]:
    """Return how a model was made."""
    return {
        "made_by": made_by,
        "data": "simulated",
        "seed": recipe.seed,
        "patterns": recipe.patterns,
        "epochs": recipe.epochs,
        "calibrated_on": recipe.calibrating,
        "loss": recipe.loss,
    }


def main(path: Path, progress: Progress) -> None:
    """Train the packaged model and write it to ``path``."""
    import torch

    torch.set_num_threads(1)  # more threads change the order of sums, and so the model
    recipe = PhasesRecipe()
    trained = train_model(shipped_phases(), recipe, progress)
    made = provenance(recipe, "scripts/build-phases-model")
    write_phases_model(path, trained, recipe.conditions.wavelength, made)
