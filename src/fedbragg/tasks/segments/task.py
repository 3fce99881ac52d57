"""Segmenting micrographs as a task: a site's pictures and masks in, a model file out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import SiteSettings
from fedbragg.errors import InputError, LabelError
from fedbragg.learn.settings import FitSettings
from fedbragg.learn.state import state_of
from fedbragg.metrics.estimate import Estimate
from fedbragg.models.onnx_file import read_state
from fedbragg.progress import SILENT, Progress, Step
from fedbragg.tasks.segments import learner
from fedbragg.tasks.segments.crops import number_of_crops
from fedbragg.tasks.segments.data import SegmentData, concatenate
from fedbragg.tasks.segments.judge import agreement, summary
from fedbragg.tasks.segments.model_card import SegmentCard
from fedbragg.tasks.segments.model_file import PACKAGED, Segmenter, save_segment_model
from fedbragg.tasks.segments.network import network_of, new_network, with_classes
from fedbragg.tasks.segments.picture_paths import find_masks, find_pictures
from fedbragg.tasks.segments.restyling import Restyling, styles_of
from fedbragg.tasks.segments.settings import SegmentsSettings
from fedbragg.tasks.segments.sources import Simulated, labelled, simulated
from fedbragg.tasks.segments.style import known_kind, mean_style, style_from, style_tensors
from fedbragg.types import State
from fedbragg.version import __version__

STYLES = 2
"""Pictures of each simulated structure to train on, in styles of their own."""


@dataclass(frozen=True, slots=True)
class SegmentsTask:
    """The task of segmenting the grains, precipitates and cracks of micrographs."""

    settings: SegmentsSettings
    name: ClassVar[str] = "segments"
    unit: ClassVar[str] = "micrograph"
    fewest: ClassVar[int] = 2
    headlines: ClassVar[tuple[str, ...]] = ("mean IoU", "MAP")
    next_command: ClassVar[str] = "fedbragg segments measure IMAGE... --model {model}"

    @property
    def questions(self) -> Mapping[str, tuple[str, ...]]:
        """Return the one question: the class of a pixel."""
        return {"pixel": self.settings.names}

    @property
    def options(self) -> Mapping[str, Any]:
        """Return the section ``[segments]``."""
        return self.settings.model_dump(mode="json")

    def read(self, site: SiteSettings, folder: Path, progress: Progress) -> SegmentData:
        """Read a site's micrographs and the folder of their masks, paired by file name."""
        try:
            pictures = find_pictures([str(folder / path) for path in site.runs])
            return labelled(pictures, find_masks(folder / site.labels), len(self.settings.names), progress)
        except InputError as error:
            raise LabelError(f"site {site.name}: {error}") from None

    def concatenate(self, parts: Sequence[SegmentData]) -> SegmentData:
        """Pool several sites' micrographs."""
        return concatenate(parts)

    def start_model(self, seed: int, progress: Progress) -> State:
        """Return the packaged model, with its classes matched by name, or train on simulated micrographs."""
        number, epochs = self.settings.public_pictures, self.settings.public_epochs
        if number is None:
            known = Segmenter(PACKAGED).card.classes.names
            return with_classes(read_state(PACKAGED), known, self.settings.names, seed)
        network = new_network(len(self.settings.names), seed)
        if number and epochs:
            data = _public(number, self.settings.names, seed, progress)
            fitting = FitSettings(epochs, learner.BATCH, learner.PRETRAINING_RATE, annealed=True)
            learner.train(network, data, fitting, seed, progress.stage("Training the start model", epochs))
        return state_of(network)

    def train(
        self, state: State, data: SegmentData, fit: FitSettings, seed: int, step: Step | None = None
    ) -> tuple[State, float]:
        """Train the network on a site's micrographs, and on simulated ones where the settings mix them in."""
        network = network_of(state, len(self.settings.names))
        restyling = Restyling(drawn=self.settings.drawn)
        loss = learner.train(network, self._with_simulated(data, seed), fit, seed, step, restyling=restyling)
        return state_of(network), loss

    def gradient(self, state: State, data: SegmentData, fit: FitSettings, seed: int) -> State:
        """Return the gradient of the training loss at a model."""
        network = network_of(state, len(self.settings.names))
        return learner.gradient(network, self._with_simulated(data, seed), fit, seed)

    def steps(self, data: SegmentData, fit: FitSettings) -> int:
        """Return the steps of one training on the site's own pictures; simulated ones add the same share everywhere."""
        return learner.steps(data, fit)

    def style(self, data: SegmentData, kind: str) -> State:
        """Return the mean style of a site's micrographs, a few numbers that hold nothing of their structure."""
        return style_tensors(mean_style(styles_of(data, known_kind(kind))))

    def train_in_styles(
        self, state: State, data: SegmentData, fit: FitSettings, seed: int, styles: Sequence[State]
    ) -> tuple[State, float]:
        """Train on a site's micrographs, half of the crops in another site's style."""
        network = network_of(state, len(self.settings.names))
        others = [style_from(style, len(self.settings.names)) for style in styles]
        restyling = Restyling(others, self.settings.drawn)
        loss = learner.train(network, self._with_simulated(data, seed), fit, seed, restyling=restyling)
        return state_of(network), loss

    def _with_simulated(self, data: SegmentData, seed: int) -> SegmentData:
        if self.settings.mixed == 0:
            return data
        more = math.ceil(number_of_crops(data) * self.settings.mixed / (1 - self.settings.mixed))
        return concatenate([data, _public(more, self.settings.names, seed)])

    def answers(self, state: State, data: SegmentData) -> NDArray[np.float64]:
        """Return how a model agrees with the labels, one row a micrograph: judge.agreement names the numbers."""
        network, classes = network_of(state, len(self.settings.names)), self.settings.classes
        rows = [
            agreement(learner.probabilities(network, one.picture), one.labels, classes)
            for one in data.pictures
        ]
        return np.array(rows)

    def metrics(self, truth: NDArray[np.int64], answers: NDArray[np.float64]) -> Mapping[str, Estimate]:
        """Return every measure of answers; ``truth``, the pixels of each class, is part of them already."""
        return summary(answers, self.settings.classes)

    def export(self, state: State, path: Path, provenance: Mapping[str, Any]) -> None:
        """Write the model file."""
        card = SegmentCard(self.settings.classes, {"fedbragg": __version__, **provenance})
        save_segment_model(path, learner.answer(state, len(self.settings.names)), card, state, PACKAGED)


def _public(pictures: int, names: Sequence[str], seed: int, progress: Progress = SILENT) -> SegmentData:
    """Return at least that many simulated micrographs."""
    structures = -(-pictures // STYLES)
    step = progress.stage("Simulating micrographs", structures)
    return simulated(Simulated(structures, STYLES), names, seed % 2**32, step)
