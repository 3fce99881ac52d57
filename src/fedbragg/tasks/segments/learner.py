"""Train the network on labelled micrographs: crops, the loss, the training, the probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from fedbragg.learn.calibration import answer_shifts
from fedbragg.learn.device import device_of
from fedbragg.learn.loop import fit, mean_gradient
from fedbragg.learn.settings import Calibration, FitSettings
from fedbragg.progress import Step
from fedbragg.tasks.segments.augment import augmented
from fedbragg.tasks.segments.crops import CROP, crop_at, crop_side, crops_of, cut, number_of_crops
from fedbragg.tasks.segments.data import UNKNOWN, SegmentData
from fedbragg.tasks.segments.network import SegmentNet, network_of
from fedbragg.tasks.segments.prepare import Scaled, prepare
from fedbragg.tasks.segments.restyling import Restyler, Restyling, restyler
from fedbragg.tasks.segments.symmetry import Symmetry, symmetry_of
from fedbragg.tasks.segments.tiles import segment
from fedbragg.types import State

BATCH = 8
PRETRAINING_RATE = 2e-3
HEAVIEST = 20.0
"""Largest weight of a rare class against the most frequent one; 20 is that of grain boundaries in Ma et al. (2020)."""
AS_THEY_ARE = Restyling()


@dataclass(frozen=True, slots=True, eq=False)
class SegmentProblem:
    """Crops and loss for the training loop; an epoch has about as many crops as cover the micrographs once."""

    network: SegmentNet
    data: SegmentData
    generator: np.random.Generator  # of the crops, their augmentation and their styles
    scaled: Sequence[Scaled]  # the micrographs as the network reads them
    crops: Sequence[int]  # the micrograph of each crop
    side: int  # pixel, along the edge of a crop
    weights: Tensor  # (classes,)
    restyle: Restyler
    symmetries: Sequence[Symmetry]  # of each micrograph
    shifts: Tensor  # (classes,) added to the logits

    def __len__(self) -> int:
        """Return the number of crops an epoch."""
        return len(self.crops)

    def loss(self, examples: Tensor) -> Tensor:
        """Return the mean loss over crops given by index."""
        crops = [self._crop(self.crops[int(i)]) for i in examples]
        device = device_of(self.network)
        pictures = torch.from_numpy(np.stack([picture for picture, _ in crops])).to(device)
        labels = torch.from_numpy(np.stack([labels for _, labels in crops]).astype(np.int64)).to(device)
        logits = self.network(pictures.contiguous(memory_format=torch.channels_last))
        shifts, weights = self.shifts.to(device), self.weights.to(device)
        return segment_loss(logits + shifts[:, None, None], labels, weights)

    def _crop(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        picture, labels = self.scaled[index], self.data.pictures[index].labels
        where = crop_at(labels, self.generator, self.side)
        part, known = cut(picture, where, self.side), cut(labels, where, self.side)
        part = self.restyle(part, known, index, self.generator)
        return augmented((part, known), self.symmetries[index], self.generator)


def problem_of(
    network: SegmentNet,
    data: SegmentData,
    generator: np.random.Generator,
    restyling: Restyling = AS_THEY_ARE,
    calibration: Calibration | None = None,
) -> SegmentProblem:
    """Scale micrographs, count their crops and classes, and measure their styles where there are others to train in."""
    scaled = [prepare(one.picture) for one in data.pictures]
    side = crop_side(data, restyling.patches)
    return SegmentProblem(
        network,
        data,
        generator,
        scaled,
        crops=[i for i, one in enumerate(data.pictures) for _ in range(crops_of(one, side))],
        side=side,
        weights=class_weights(np.array(data.label_counts[0])),
        restyle=restyler(data, scaled, restyling),
        symmetries=[symmetry_of(one.labels, data.classes) for one in data.pictures],
        shifts=answer_shifts(data.label_counts[0], calibration),
    )


def class_weights(counts: NDArray[np.int64]) -> Tensor:
    """Return each class's weight: the root of the inverse frequency, up to HEAVIEST times that of the most frequent."""
    weights = np.sqrt(counts.max(initial=1) / np.maximum(counts, 1))
    return torch.from_numpy(np.minimum(weights, HEAVIEST)).float()


def segment_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Return weighted cross-entropy plus one minus the mean Dice (Milletari et al. 2016) of the classes that occur.

    ``logits`` is (batch, classes, rows, cols), ``labels`` (batch, rows, cols) with UNKNOWN where a pixel is ignored.
    """
    known = labels != UNKNOWN
    entropy = functional.cross_entropy(logits, labels, weights, ignore_index=UNKNOWN, reduction="sum")
    entropy = entropy / (weights[labels.clamp(max=len(weights) - 1)] * known).sum().clamp(min=1e-6)
    shares = torch.softmax(logits, dim=1) * known[:, None]
    truth = functional.one_hot(labels * known, len(weights)).movedim(-1, 1) * known[:, None]
    both, either = (shares * truth).sum(dim=(0, 2, 3)), (shares + truth).sum(dim=(0, 2, 3))
    occurs = truth.sum(dim=(0, 2, 3)) > 0
    dice = ((2 * both + 1) / (either + 1) * occurs).sum() / occurs.sum().clamp(min=1)
    loss: Tensor = entropy + 1 - dice
    return loss


def train(
    network: SegmentNet,
    data: SegmentData,
    fitting: FitSettings,
    seed: int,
    step: Step | None = None,
    *,
    restyling: Restyling = AS_THEY_ARE,
) -> float:
    """Train a network in place and return the mean loss of the last epoch.

    A step reads about as many pixels as ``fitting.batch`` crops of CROP x CROP have.
    """
    problem = _problem(network, data, fitting, seed, restyling)
    fitting = replace(fitting, batch=_batch(fitting, problem.side))
    return fit(network, problem, fitting, torch.Generator().manual_seed(seed % 2**63), step)


def gradient(
    network: SegmentNet, data: SegmentData, fitting: FitSettings, seed: int
) -> dict[str, NDArray[Any]]:
    """Return the gradient of the loss that ``train`` lowers, at the network's weights and over an epoch's crops."""
    problem = _problem(network, data, fitting, seed)
    fitting = replace(fitting, batch=_batch(fitting, problem.side))
    return mean_gradient(network, problem, fitting, torch.Generator().manual_seed(seed % 2**63))


def steps(data: SegmentData, fitting: FitSettings) -> int:
    """Return how many steps ``train`` makes, without styles."""
    return replace(fitting, batch=_batch(fitting, crop_side(data))).steps(number_of_crops(data))


def _problem(
    network: SegmentNet,
    data: SegmentData,
    fitting: FitSettings,
    seed: int,
    restyling: Restyling = AS_THEY_ARE,
) -> SegmentProblem:
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    crops = np.random.default_rng([seed % 2**63, 1])
    return problem_of(network, data, crops, restyling, fitting.calibration)


def _batch(fitting: FitSettings, side: int) -> int:
    return max(fitting.batch * CROP**2 // max(side, CROP) ** 2, 1)


def probabilities(network: SegmentNet, picture: NDArray[np.generic]) -> NDArray[np.float16]:
    """Return the probability of every class at every pixel, (classes, rows, cols)."""
    network.eval()

    def forward(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            answer: NDArray[np.float32] = torch.softmax(network(torch.from_numpy(pictures)), dim=1).numpy()
        return answer

    return segment(picture, forward)


class Answer(nn.Module):
    """A network as the model file holds it: to probabilities instead of logits."""

    def __init__(self, network: SegmentNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """Return probabilities (batch, classes, rows, cols) of scaled pictures (batch, 3, rows, cols)."""
        return torch.softmax(self.network(pictures), dim=1)


def answer(state: State, classes: int) -> Answer:
    """Return a model as the model file holds it."""
    return Answer(network_of(state, classes))
