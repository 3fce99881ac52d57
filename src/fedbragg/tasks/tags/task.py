"""Tagging as a task: a site's annotated images in, a model file out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import SiteSettings
from fedbragg.errors import InputError, LabelError
from fedbragg.learn.one_sided import without_one_sided
from fedbragg.learn.settings import LEARNING_RATE, FitSettings
from fedbragg.learn.state import state_of
from fedbragg.metrics.estimate import Estimate
from fedbragg.models.onnx_file import read_state
from fedbragg.progress import Progress, Step
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.labelled_run import labelled_run
from fedbragg.tasks.tags import learner
from fedbragg.tasks.tags.data import TagData, concatenate
from fedbragg.tasks.tags.judge import mean_metrics, metrics_by_tag
from fedbragg.tasks.tags.labels import read_tags
from fedbragg.tasks.tags.model_card import TagCard
from fedbragg.tasks.tags.model_file import PACKAGED, packaged_names, save_tags_model
from fedbragg.tasks.tags.settings import TagsSettings
from fedbragg.tasks.tags.sources import Simulated, labelled, simulated
from fedbragg.types import State
from fedbragg.version import __version__

IMAGES = 2
"""Images of each simulated experiment that the start model is trained on: few, because more experiments teach more."""

PACKAGED_RATE = 3e-4
"""Of Adam at a site, from the packaged model (decision 135)."""


@dataclass(frozen=True, slots=True)
class TagsTask:
    """The task of tagging scattering images."""

    settings: TagsSettings
    name: ClassVar[str] = "tags"
    unit: ClassVar[str] = "image"
    fewest: ClassVar[int] = 10
    headlines: ClassVar[tuple[str, ...]] = ("mAP", "AUC")
    prior_examples: ClassVar[int] = 30  # decision 137
    next_command: ClassVar[str] = "fedbragg tags identify PATH... --model {model}"

    @property
    def questions(self) -> Mapping[str, tuple[str, ...]]:
        """Return one question for each tag."""
        return dict.fromkeys(self.settings.names, ("absent", "present"))

    @property
    def options(self) -> Mapping[str, Any]:
        """Return the section ``[tags]``."""
        return self.settings.model_dump(mode="json")

    @property
    def learning_rate(self) -> float:
        """Return a small rate from the packaged model, unless it has tags to learn that this one does not know."""
        packaged = self.settings.public_images is None
        known = packaged and set(self.settings.names) <= set(packaged_names())
        return PACKAGED_RATE if known else LEARNING_RATE

    def read(self, site: SiteSettings, folder: Path, progress: Progress) -> TagData:
        """Read a site's images and tags."""
        table = read_tags(folder / site.labels, self.settings.names)
        try:
            run = labelled_run([str(folder / path) for path in site.runs], table.paths)
            return labelled(run, table, progress)
        except InputError as error:
            raise LabelError(f"site {site.name}: {error}") from None

    def concatenate(self, parts: Sequence[TagData]) -> TagData:
        """Pool several sites' images."""
        return concatenate(parts)

    def start_model(self, seed: int, progress: Progress) -> State:
        """Return the packaged model, with its tags matched by name, or train on simulated images."""
        names, epochs = self.settings.names, self.settings.public_epochs
        if self.settings.public_images is None:
            return learner.with_tags(read_state(PACKAGED), packaged_names(), names, seed)
        network = learner.new_network(len(names), seed)
        experiments = -(-self.settings.public_images // IMAGES)
        if experiments and epochs:
            data = simulated(
                Simulated(experiments, IMAGES), seed, progress.stage("Simulating public images", experiments)
            )
            fitting = FitSettings(epochs, learner.BATCH, learner.PRETRAINING_RATE, annealed=True)
            step = progress.stage("Training the start model", epochs)
            learner.train(network, with_columns(data, names), fitting, seed, step)
        return state_of(network)

    def train(
        self, state: State, data: TagData, fit: FitSettings, seed: int, step: Step | None = None
    ) -> tuple[State, float]:
        """Train tagnet on a site's images."""
        network = learner.network_of(state, len(self.settings.names))
        loss = learner.train(network, self._learnt(data), fit, seed, step)
        return state_of(network), loss

    def gradient(self, state: State, data: TagData, fit: FitSettings, seed: int) -> State:
        """Return the gradient of the training loss at a model."""
        network = learner.network_of(state, len(self.settings.names))
        return learner.gradient(network, self._learnt(data), fit, seed)

    def steps(self, data: TagData, fit: FitSettings) -> int:
        """Return the steps of one training."""
        return fit.steps(len(data))

    def _learnt(self, data: TagData) -> TagData:
        if self.settings.one_sided == "ignore":
            return replace(data, labels=without_one_sided(data.labels))
        return data

    def answers(self, state: State, data: TagData) -> NDArray[np.float64]:
        """Return the probability of each tag in each image (images, tags)."""
        return learner.probabilities(learner.network_of(state, len(self.settings.names)), data)

    def metrics(self, truth: NDArray[np.float32], answers: NDArray[np.float64]) -> Mapping[str, Estimate]:
        """Return every metric averaged over the tags, from labels and probabilities (images, tags)."""
        return mean_metrics(metrics_by_tag(truth, answers))

    def export(self, state: State, path: Path, provenance: Mapping[str, Any]) -> None:
        """Write the model file."""
        card = TagCard(self.settings.names, provenance={"fedbragg": __version__, **provenance})
        save_tags_model(path, learner.answer(state, len(card.names)), card, state, PACKAGED)


def with_columns(data: TagData, names: Sequence[str]) -> TagData:
    """Return simulated images with the labels of the given tags; those that the simulator does not know are unknown."""
    import torch

    labels = torch.full((len(data), len(names)), -1.0)
    for i, name in enumerate(names):
        if name in TAGS:
            labels[:, i] = data.labels[:, TAGS.index(name)]
    return TagData(data.views, labels, data.beams)
