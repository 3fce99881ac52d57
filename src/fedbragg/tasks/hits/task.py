"""Hit finding as a task: labelled frames in, a model file out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self, get_args

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import SiteSettings
from fedbragg.errors import InputError, LabelError
from fedbragg.images import read_labels
from fedbragg.images.open import open_files
from fedbragg.learn.settings import LEARNING_RATE, PACKAGED_RATE, FitSettings, NoisedFacts, PrivateTerms
from fedbragg.metrics.classification import summary
from fedbragg.metrics.estimate import Estimate
from fedbragg.progress import Progress, Step
from fedbragg.tasks.hits.data import HitData, concatenate
from fedbragg.tasks.hits.distil import distilled, frames_to_teach, logits_of_answers
from fedbragg.tasks.hits.learner import (
    HitProblem,
    gradient,
    labelled_problem,
    network_of,
    pretrain,
    scores_of,
    train,
    whole_frame_of,
)
from fedbragg.tasks.hits.model_file import PACKAGED, ModelCard, packaged_weights, save_model
from fedbragg.tasks.hits.network import HitNetwork
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.private import train_privately
from fedbragg.tasks.hits.settings import HitsSettings, NetworkName
from fedbragg.tasks.hits.sources import labelled, public_frames
from fedbragg.types import State

PUBLIC_FRAMES = 240
"""Simulated frames for the start model of a network that has no packaged one."""
THRESHOLD = 0.5
"""Frames with this score or more are kept, until a calibration finds a better threshold."""


@dataclass(frozen=True, slots=True)
class HitsTask:
    """Decide which frames to keep."""

    settings: HitsSettings
    prepare: PrepareSettings  # how frames become the network's input
    name: ClassVar[str] = "hits"
    unit: ClassVar[str] = "frame"
    fewest: ClassVar[int] = 10
    headlines: ClassVar[tuple[str, ...]] = ("balanced accuracy", "AUC")
    prior_examples: ClassVar[int] = 100  # decision 137
    next_command: ClassVar[str] = "fedbragg calibrate OTHER_PATH... --labels OTHER_LABELS.csv --model {model}"
    questions: ClassVar[Mapping[str, tuple[str, ...]]] = {"hit": ("miss", "hit or maybe")}

    @property
    def options(self) -> Mapping[str, Any]:
        """Return the section ``[hits]``."""
        return self.settings.model_dump(mode="json")

    @property
    def learning_rate(self) -> float:
        """Return a small rate from the packaged model."""
        packaged = self.settings.public_frames is None and self.network in packaged_weights(self.prepare)
        return PACKAGED_RATE if packaged else LEARNING_RATE

    def read(self, site: SiteSettings, folder: Path, progress: Progress) -> HitData:
        """Read a site's runs and labels."""
        run = open_files([str(folder / path) for path in site.runs])
        labels = read_labels(folder / site.labels)
        try:
            return labelled(run, labels, self.prepare, progress, site.unit)
        except InputError as error:
            raise LabelError(f"site {site.name}: {error}") from None

    def concatenate(self, parts: Sequence[HitData]) -> HitData:
        """Pool several sites' frames."""
        return concatenate(parts)

    def start_model(self, seed: int, progress: Progress) -> State:
        """Return the packaged model's weights, or train on simulated frames of many detectors."""
        return self.start_models([self.network], seed, progress)[self.network]

    def start_models(self, networks: Sequence[str], seed: int, progress: Progress) -> dict[str, State]:
        """Return the packaged model's weights for its network, and train the others on the same simulated frames."""
        ready = packaged_weights(self.prepare) if self.settings.public_frames is None else {}
        missing = [name for name in networks if name not in ready]
        made = ready | (self._pretrained(missing, seed, progress) if missing else {})
        return {name: made[name] for name in networks}

    def _pretrained(self, networks: Sequence[str], seed: int, progress: Progress) -> dict[str, State]:
        wanted, epochs = self.settings.public_frames, self.settings.public_epochs
        frames = PUBLIC_FRAMES if wanted is None else wanted
        data = public_frames(frames, seed, self.prepare, progress) if frames and epochs else None
        step = progress.stage("Training the start model", epochs * len(networks))
        weight = self.settings.hit_weight
        return {name: pretrain(data, epochs, seed, step, weight, name) for name in networks}

    def train(
        self, state: State, data: HitData, fit: FitSettings, seed: int, step: Step | None = None
    ) -> tuple[State, float]:
        """Train the network on a site's frames."""
        return train(self._problem(state, data, fit), fit, seed, step)

    def gradient(self, state: State, data: HitData, fit: FitSettings, seed: int) -> State:
        """Return the gradient of the training loss at a model."""
        return gradient(self._problem(state, data, fit), fit, seed)

    def steps(self, data: HitData, fit: FitSettings) -> int:
        """Return the steps of one training."""
        return fit.steps(len(data))

    def train_privately(
        self,
        state: State,
        data: HitData,
        fit: FitSettings,
        terms: PrivateTerms,
        generator: np.random.Generator,
    ) -> tuple[State, NoisedFacts]:
        """Train spotnet with noise; the unit is a run or crystal."""
        return train_privately(self._network(state), data, fit, terms, generator, self.settings.hit_weight)

    def answers(self, state: State, data: HitData) -> NDArray[np.float64]:
        """Return the score of each frame (frames,)."""
        return scores_of(state, data, self.network)

    def metrics(self, truth: NDArray[np.bool_], answers: NDArray[np.float64]) -> Mapping[str, Estimate]:
        """Return every metric of scores against hits; both (frames,)."""
        return summary(truth, answers, THRESHOLD)

    def export(self, state: State, path: Path, provenance: Mapping[str, Any]) -> None:
        """Write the model file."""
        card = ModelCard(self.name, self.network, self.prepare, THRESHOLD, dict(provenance))
        save_model(path, whole_frame_of(state, self.network), card, state, PACKAGED)

    # Sites with different networks

    @property
    def network(self) -> str:
        """Return the name of the network."""
        return self.settings.network

    @property
    def networks(self) -> tuple[str, ...]:
        """Return the names of all networks."""
        return get_args(NetworkName)

    @property
    def private_networks(self) -> tuple[str, ...]:
        """Return the names of the networks whose single gradients private training knows."""
        return ("spotnet", "spotnet-small")

    def with_network(self, network: str) -> Self:
        """Return this task with another network."""
        return replace(self, settings=HitsSettings(**{**self.options, "network": network}))

    def examples_to_teach(self, seed: int, progress: Progress) -> HitData:
        """Simulate public frames with every artefact."""
        return frames_to_teach(self.settings.distillation_frames, seed, self.prepare, progress)

    def logits(self, state: State, data: HitData) -> NDArray[np.float64]:
        """Return the logits of miss and hit (frames, 2)."""
        return logits_of_answers(self._network(state), data)

    def distil(self, state: State, data: HitData, targets: NDArray[Any], seed: int) -> State:
        """Train the network towards probabilities of miss and hit (frames, 2)."""
        return distilled(self._network(state), data, targets, self.settings.distillation_epochs, seed)

    def _network(self, state: State) -> HitNetwork:
        return network_of(state, self.network)

    def _problem(self, state: State, data: HitData, fit: FitSettings) -> HitProblem:
        return labelled_problem(self._network(state), data, fit, self.settings.hit_weight)
