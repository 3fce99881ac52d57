"""Train tagnet on annotated images: the loss, the training, the probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from fedbragg.learn.calibration import yes_shifts
from fedbragg.learn.device import device_of, open_device
from fedbragg.learn.loop import fit, mean_gradient
from fedbragg.learn.settings import FitSettings
from fedbragg.learn.state import load_state, state_of, with_answers
from fedbragg.progress import Step
from fedbragg.tasks.tags.augment import augmented
from fedbragg.tasks.tags.comb import CombReader
from fedbragg.tasks.tags.data import TagData
from fedbragg.tasks.tags.halve import halved
from fedbragg.tasks.tags.network import Block, TagNet
from fedbragg.tasks.tags.prepare import CHANNELS
from fedbragg.types import State

GIVEN = 0.5
"""Share of the images that training reads about their true beam, so that reading need not wait for finding."""
CHANGE = 0.2
"""Initial scale of a residual block's branch, relative to its input."""
BATCH = 32
PRETRAINING_RATE = 3e-3
STEM = "trunk.stem.0.weight"
"""Name of the weights that read a view's channels."""
LAST = ("head.2.weight", "head.2.bias")
"""Names of the tensors that have a row for each tag."""


@dataclass(frozen=True, slots=True, eq=False)
class TagProblem:
    """Images, augmentation and loss for the training loop."""

    network: TagNet
    data: TagData
    generator: torch.Generator  # of the augmentation and of the beams that are given
    augment: bool = True
    shifts: Tensor | float = 0.0  # (tags,) added to the logits, see yes_shifts

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.data)

    def loss(self, examples: Tensor) -> Tensor:
        """Return the mean loss over images given by index; an unknown tag costs nothing."""
        part = self.data[examples]
        views, beams = part.views.float(), part.beams
        if self.augment:
            views, beams = augmented(views, beams, self.generator)
        given = torch.rand(len(beams), 1, generator=self.generator, device=beams.device) < GIVEN
        device = device_of(self.network)
        views, beams, given = views.to(device), beams.to(device), given.to(device)
        about = torch.where(given, beams, torch.nan)
        reading = self.network(views.contiguous(memory_format=torch.channels_last), about)
        logits = reading.logits + torch.as_tensor(self.shifts, device=device)
        return tag_loss(logits, part.labels.to(device)) + beam_loss(reading.found, beams)


def tag_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of the annotated tags; logits and labels are (batch, tags)."""
    known = labels >= 0
    cost = functional.binary_cross_entropy_with_logits(logits, labels.clamp(min=0), reduction="none")
    return (cost * known).sum() / known.sum().clamp(min=1)


def beam_loss(found: Tensor, true: Tensor) -> Tensor:
    """Return the mean error of the beam (batch, 2); NaN is unknown and costs nothing.

    Large errors count linearly, and less the farther off the image the beam is, where angles decide and not cells.
    """
    known = torch.isfinite(true)
    true = torch.where(known, true, found.detach())
    cost = functional.smooth_l1_loss(found, true, beta=0.1, reduction="none")
    nearness = 1 / (1 + torch.linalg.vector_norm(true, dim=1, keepdim=True))
    loss: Tensor = (cost * nearness).sum() / known.sum().clamp(min=1)
    return loss


def new_network(tags: int, seed: int, polar: bool = True, channels: int = len(CHANNELS)) -> TagNet:
    """Return a network with random weights that only the seed decides (He et al. 2015)."""
    generator = torch.Generator().manual_seed(seed)
    network = TagNet(tags, polar, channels)
    for module in network.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Linear)):
            nn.init.normal_(module.weight, 0, (2 / module.weight[0].numel()) ** 0.5, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, CombReader):
            module.begin(generator)
        elif isinstance(module, Block):
            nn.init.constant_(module.mix_norm.weight, CHANGE)
    nn.init.zeros_(network.trunk.votes.weight)  # at first all parts of the picture are trusted alike
    return network


def network_of(state: State, tags: int, polar: bool = True) -> TagNet:
    """Return a network with a state's weights, which say how many channels it reads: older ones read three."""
    stem = state.get(STEM)
    network = TagNet(tags, polar, len(CHANNELS) if stem is None or stem.ndim != 4 else stem.shape[1])
    load_state(network, state)
    return network


def with_tags(state: State, known: Sequence[str], wanted: Sequence[str], seed: int) -> State:
    """Return a state for other tags: all but the last layer, where the tags that both have keep their weights."""
    return with_answers(state, state_of(new_network(len(wanted), seed)), LAST, known, wanted)


def train(
    network: TagNet,
    data: TagData,
    fitting: FitSettings,
    seed: int,
    step: Step | None = None,
    *,
    augment: bool = True,
) -> float:
    """Train a network in place and return the mean loss of the last epoch; images lie on the settings' device."""
    problem = _problem(network, data, fitting, seed, augment)
    return fit(network, problem, fitting, torch.Generator().manual_seed(seed % 2**63), step)


def gradient(network: TagNet, data: TagData, fitting: FitSettings, seed: int) -> dict[str, NDArray[Any]]:
    """Return the gradient of the loss that ``train`` lowers, at the network's weights and over all images."""
    problem = _problem(network, data, fitting, seed)
    return mean_gradient(network, problem, fitting, torch.Generator().manual_seed(seed % 2**63))


def _problem(
    network: TagNet, data: TagData, fitting: FitSettings, seed: int, augment: bool = True
) -> TagProblem:
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    shifts = yes_shifts(data.label_counts, fitting.calibration)
    device = open_device(fitting.device)  # images and augmentation too, else a GPU would wait for them
    augmentation = torch.Generator(device).manual_seed((seed + 1) % 2**63)
    return TagProblem(network, data.to(device), augmentation, augment, shifts)


def probabilities(network: TagNet, data: TagData) -> NDArray[np.float64]:
    """Return the probability of each tag in each image, (images, tags)."""
    network.eval()
    with torch.no_grad():
        logits = [network(part.float()).logits for part in data.views.split(64)]
    result: NDArray[np.float64] = torch.sigmoid(torch.cat(logits)).double().numpy()
    return result


class Answer(nn.Module):
    """A network as the model file holds it: from whole views, and to probabilities instead of logits."""

    def __init__(self, network: TagNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities (batch, tags) and the beam's place (batch, 2) of views.

        ``views`` are (batch, channels, CELLS, CELLS).
        """
        reading = self.network(halved(views))
        return torch.sigmoid(reading.logits), reading.beam


def answer(state: State, tags: int) -> Answer:
    """Return a model as the model file holds it."""
    return Answer(network_of(state, tags))
