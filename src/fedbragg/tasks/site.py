"""A site of a federation, for any task: it keeps its data and returns updates."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic

import numpy as np

from fedbragg.config import TrainingSettings
from fedbragg.corrections import split_correction
from fedbragg.errors import ConfigError
from fedbragg.learn.settings import LEARNING_RATE, FitSettings, LocalTerms, PrivateTerms
from fedbragg.state_arithmetic import difference
from fedbragg.styles import check_style, split_styles
from fedbragg.tasks.base import D, LocalTermsTask, PackagedTask, PrivateTask, StyledTask, Task
from fedbragg.types import State, Update

NO_TERMS = LocalTerms()


@dataclass(frozen=True, slots=True, eq=False)
class TaskSite(Generic[D]):
    """One site: its task, and the data that it trains on."""

    name: str
    task: Task[D]
    data: D
    training: TrainingSettings
    seed: int  # of the federation
    speed: float = 1.0  # of training, relative to the other sites
    device: str = "cpu"  # where it trains, see learn/device.py
    style: str = "off"  # the kind of style that it shares, as in [style]
    terms: LocalTerms = NO_TERMS  # the aggregation rule's changes to its training
    private: PrivateTerms | None = None  # where [privacy] epsilon asks for noise
    secret_noise: bool = False  # whether the system draws that noise; from ``seed`` everybody can compute it

    @property
    def samples(self) -> int:
        """Return the number of examples that one epoch passes over."""
        return len(self.data)

    def train(self, model: State, version: int, epochs: int) -> Update:
        """Train from a model on this site's data and return the difference to it.

        Random numbers depend only on seed, site and version, so a federation can be repeated.
        """
        if self.private is not None:
            return self._train_privately(model, version, epochs, self.private)
        seed = training_seed(self.seed, self.name, version)
        sent, correction = split_correction(model)
        weights, styles = split_styles(sent)
        fit = self._fit(epochs, correction)
        state, loss = self._trained(weights, styles, fit, seed)
        update = Update(
            self.name,
            version,
            difference(state, weights),
            self.samples,
            self.data.label_counts,
            loss,
            self._own_style(),
        )
        return self._with_terms(update, weights, fit, seed)

    def _fit(self, epochs: int, correction: State) -> FitSettings:
        fit, terms = self._settings(epochs, self.device), self.terms
        mu = fit.proximal_mu + terms.proximal_mu
        return replace(fit, proximal_mu=mu, calibration=terms.calibration, correction=correction)

    def _settings(self, epochs: int, device: str = "cpu") -> FitSettings:
        training, rate = self.training, self.training.learning_rate
        if rate is None:
            rate = self.task.learning_rate if isinstance(self.task, PackagedTask) else LEARNING_RATE
        return FitSettings(
            epochs,
            training.batch,
            rate,
            training.proximal_mu,
            device=device,
            precision=training.precision,
            fixed_statistics=training.fixed_statistics,
        )

    def _with_terms(self, update: Update, weights: State, fit: FitSettings, seed: int) -> Update:
        """Apply the aggregation rule's changes to the training."""
        if not isinstance(self.task, LocalTermsTask):
            return update
        if self.terms.sends_steps:
            update = replace(update, steps=self.task.steps(self.data, fit))
        if self.terms.sends_gradient:
            update = replace(update, gradient=self.task.gradient(weights, self.data, fit, seed))
        return update

    def _train_privately(self, model: State, version: int, epochs: int, terms: PrivateTerms) -> Update:
        """Train with noise; frames and label counts are counts of runs or crystals, as the noisy sums tell them."""
        if not isinstance(self.task, PrivateTask):
            raise ConfigError(f"[privacy] epsilon: the task {self.task.name} cannot be trained with noise.")
        fit, seed = self._settings(epochs), training_seed(self.seed, self.name, version)
        # New noise each time, because the same noise on two models would cancel out.
        generator = np.random.default_rng(None if self.secret_noise else seed)
        state, facts = self.task.train_privately(model, self.data, fit, terms, generator)
        samples = max([1, *(sum(counts) for counts in facts.label_counts)])
        return Update(self.name, version, difference(state, model), samples, facts.label_counts, facts.loss)

    def _trained(
        self, weights: State, styles: Sequence[State], fit: FitSettings, seed: int
    ) -> tuple[State, float]:
        if styles and isinstance(self.task, StyledTask):
            return self.task.train_in_styles(weights, self.data, fit, seed, styles)
        return self.task.train(weights, self.data, fit, seed)

    def _own_style(self) -> State:
        if self.style == "off" or not isinstance(self.task, StyledTask):
            return {}
        style = self.task.style(self.data, self.style)
        check_style(style)
        return style


def training_seed(seed: int, site: str, version: int) -> int:
    """Return the seed of one training from the federation's seed, the site and the version."""
    number = (seed * 1_000_003 + zlib.crc32(site.encode())) * 1_009 + version
    return number % 2**64  # a federation's seed may be a date and time
