"""A site of the phases task: labelled patterns that stay here, updates that come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fedbragg.config import TrainingSettings
from fedbragg.metrics.classification import Estimate
from fedbragg.state_arithmetic import difference
from fedbragg.tasks.phases.learner import PhaseData, PhaseTask, figures, join, mean_figures, pick
from fedbragg.tasks.site import fit_settings_of, generator_of
from fedbragg.types import State, Update


@dataclass(frozen=True, slots=True, eq=False)
class PhaseFrames:
    """Labelled patterns, and the task that they are for."""

    task: PhaseTask
    data: PhaseData

    def __len__(self) -> int:
        """Return the number of patterns."""
        return len(self.data)

    @property
    def label_counts(self) -> tuple[tuple[int, ...], ...]:
        """Return for each phase how many patterns lack it and how many show it."""
        return self.data.label_counts

    @property
    def positives(self) -> int:
        """Return how many patterns show any of the phases."""
        return int((self.data.labels == 1).any(dim=1).sum())

    def part(self, start: int, stop: int) -> PhaseFrames:
        """Return the patterns from ``start`` to before ``stop``."""
        return PhaseFrames(self.task, pick(self.data, slice(start, stop)))

    def judge(self, state: State, threshold: float) -> dict[str, Estimate]:
        """Return every figure of a model on these patterns, averaged over the phases."""
        probabilities = self.task.probabilities(state, self.data)
        return mean_figures(figures(self.data.labels.numpy().astype(np.float64), probabilities, threshold))


def join_frames(parts: Sequence[PhaseFrames]) -> PhaseFrames:
    """Put several sites' patterns together: what a federation must do without."""
    return PhaseFrames(parts[0].task, join([part.data for part in parts]))


@dataclass(frozen=True, slots=True, eq=False)
class PhaseSite:
    """One facility as the federation sees it."""

    name: str
    frames: PhaseFrames
    training: TrainingSettings
    seed: int
    speed: float = 1.0

    @property
    def samples(self) -> int:
        """Return the number of patterns trained on."""
        return len(self.frames)

    def train(self, model: State, version: int, epochs: int) -> Update:
        """Train from a model on this site's patterns and return the difference to it.

        Randomness depends on seed, site and version alone, so that a federation can be repeated.
        """
        settings, generator = (
            fit_settings_of(self.training, epochs),
            generator_of(self.seed, self.name, version),
        )
        state, loss = self.frames.task.train(model, self.frames.data, settings, generator)
        data = self.frames.data
        return Update(self.name, version, difference(state, model), len(data), data.label_counts, loss)
