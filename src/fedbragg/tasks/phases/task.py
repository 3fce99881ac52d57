"""Phase identification as a task: labelled patterns in, a model file out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from fedbragg.config import SiteSettings
from fedbragg.errors import ConfigError, LabelError
from fedbragg.learn.settings import LEARNING_RATE, PACKAGED_RATE, FitSettings
from fedbragg.metrics.estimate import Estimate
from fedbragg.models.onnx_file import read_state
from fedbragg.progress import Progress, Step
from fedbragg.simulation.powder import Phase, PowderConditions
from fedbragg.tasks.phases.build import (
    PhasesRecipe,
    TrainedPhases,
    enough_lines,
    recipe_for,
    write_phases_model,
)
from fedbragg.tasks.phases.data import PhaseData, concatenate
from fedbragg.tasks.phases.labels import pattern_files
from fedbragg.tasks.phases.learner import PhaseTraining
from fedbragg.tasks.phases.metrics import mean_metrics, metrics_by_phase
from fedbragg.tasks.phases.model_card import PhaseCard
from fedbragg.tasks.phases.model_file import PACKAGED, Identifier
from fedbragg.tasks.phases.settings import PhasesSettings
from fedbragg.tasks.phases.sources import SimulationPlan, measured, simulated
from fedbragg.tasks.phases.structures import is_file, read_structures
from fedbragg.types import State

PUBLIC_PATTERNS = 240
"""Simulated patterns for the start model of phases or a grid that the packaged model does not have."""


@dataclass(frozen=True, slots=True, eq=False)
class PhasesTask:
    """Identify the phases in powder patterns."""

    training: PhaseTraining
    settings: PhasesSettings
    conditions: PowderConditions = field(default_factory=PowderConditions)  # of simulated patterns
    name: ClassVar[str] = "phases"
    unit: ClassVar[str] = "pattern"
    fewest: ClassVar[int] = 10
    headlines: ClassVar[tuple[str, ...]] = ("balanced accuracy", "AUC")
    prior_examples: ClassVar[int] = 100  # decision 137
    next_command: ClassVar[str] = "fedbragg phases identify PATTERN... --model {model}"

    @property
    def questions(self) -> Mapping[str, tuple[str, ...]]:
        """Return one question for each phase."""
        return {lines.name: ("absent", "present") for lines in self.training.lines}

    @property
    def options(self) -> Mapping[str, Any]:
        """Return the section ``[phases]``, structures by name alone."""
        names = [Path(s).stem if is_file(s) else s for s in self.settings.structures]
        return {**self.settings.model_dump(mode="json"), "structures": names}

    @property
    def learning_rate(self) -> float:
        """Return a small rate from the packaged model."""
        return PACKAGED_RATE if self._starts_packaged() else LEARNING_RATE

    def read(self, site: SiteSettings, folder: Path, progress: Progress) -> PhaseData:
        """Read a site's patterns and labels."""
        files = pattern_files(folder, site.runs)
        if not files:
            raise LabelError(
                f"site {site.name}: no pattern file in {', '.join(site.runs)}. Give files, globs or folders."
            )
        names = [lines.name for lines in self.training.lines]
        grid, wavelength = self.training.settings, self.settings.wavelength
        step = progress.stage("Reading labelled patterns", 1)
        data = measured(files, folder / site.labels, names, grid, wavelength)
        step()
        return data

    def concatenate(self, parts: Sequence[PhaseData]) -> PhaseData:
        """Pool several sites' patterns."""
        return concatenate(parts)

    def start_model(self, seed: int, progress: Progress) -> State:
        """Return the packaged model's weights, or train on simulated patterns."""
        wanted, epochs, data = self.settings.public_patterns, self.settings.public_epochs, None
        if self._starts_packaged():
            return read_state(PACKAGED)
        patterns = PUBLIC_PATTERNS if wanted is None else wanted
        if patterns and epochs:
            plan = SimulationPlan(self._phases(), self.training.settings, self.conditions)
            data = simulated(plan, patterns, seed, progress.stage("Simulating public patterns", patterns))
        return self.training.pretrain(data, epochs, seed, progress.stage("Training the start model", epochs))

    def train(
        self, state: State, data: PhaseData, fit: FitSettings, seed: int, step: Step | None = None
    ) -> tuple[State, float]:
        """Train phasenet on a site's patterns."""
        return self.training.train(state, data, fit, torch.Generator().manual_seed(seed), step)

    def gradient(self, state: State, data: PhaseData, fit: FitSettings, seed: int) -> State:
        """Return the gradient of the training loss at a model."""
        return self.training.gradient(state, data, fit, torch.Generator().manual_seed(seed))

    def steps(self, data: PhaseData, fit: FitSettings) -> int:
        """Return the steps of one training."""
        return fit.steps(len(data))

    def answers(self, state: State, data: PhaseData) -> NDArray[np.float64]:
        """Return the probability of each phase in each pattern (patterns, phases)."""
        return self.training.probabilities(state, data)

    def metrics(self, truth: NDArray[np.float64], answers: NDArray[np.float64]) -> Mapping[str, Estimate]:
        """Return every metric averaged over the phases, from labels and probabilities (patterns, phases)."""
        return mean_metrics(metrics_by_phase(truth, answers))

    def export(self, state: State, path: Path, provenance: Mapping[str, Any]) -> None:
        """Write the model file, without a calibration."""
        trained = TrainedPhases(
            self.training, state
        )  # no calibration: sites' patterns are not simulated ones
        write_phases_model(path, trained, self.settings.wavelength, dict(provenance), PACKAGED)

    def _starts_packaged(self) -> bool:
        return self.settings.public_patterns is None and self.training.fits(Identifier(PACKAGED).card)

    def _phases(self) -> Sequence[Phase]:
        return read_structures(self.settings.structures)


def open_phases(settings: PhasesSettings) -> PhasesTask:
    """Return the task of checked settings.

    Raises ConfigError for an impossible range, InputError for a phase with too few lines.
    """
    try:
        recipe = recipe_for(settings.wavelength, settings.two_theta, PhasesRecipe(loss=settings.loss))
    except ConfigError as error:
        raise ConfigError(f"[phases]: {error}") from None
    recipe = recipe if settings.two_theta else replace(recipe, settings=PhasesRecipe().settings)
    lines = enough_lines(read_structures(settings.structures), recipe.settings)
    training = PhaseTraining(lines, recipe.settings, settings.loss, settings.one_sided)
    return PhasesTask(training, settings, recipe.conditions)


def task_of_card(card: PhaseCard) -> PhasesTask:
    """Return the task that a model file was trained for, with its phases, grid and wavelength."""
    settings = PhasesSettings(structures=card.names, wavelength=card.wavelength)
    return PhasesTask(PhaseTraining(card.phases, card.prepare), settings)
