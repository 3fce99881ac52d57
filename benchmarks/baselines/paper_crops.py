"""Train the papers' networks at a site on shifted, mirrored and turned crops; all frames lie on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.sgd import sgd

from baselines.paper_arms import PaperArm
from baselines.paper_frames import PaperFrames
from baselines.paper_networks import network
from baselines.paper_partitions import LABELS, Indices
from baselines.paper_weights import Weights
from baselines.pictures import FEDKL_CROP
from fedbragg.federation.local_batchnorm import batchnorm_names
from fedbragg.learn.calibration import answer_shifts
from fedbragg.learn.settings import LocalTerms
from fedbragg.learn.state import load_state
from fedbragg.state_arithmetic import difference
from fedbragg.tasks.site import training_seed
from fedbragg.types import Label, State, Update

BATCH, MOMENTUM = 32, 0.9
"""Constants of SGD; the paper gives only the method's name. For the rate see paper_rates.py."""
SPEED = 200.0
"""Frames a second at each site, on the federation's clock."""
JUDGED = 100
"""Frames that are judged at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """All frames' centres and labels on the device."""

    windows: Tensor  # (frames, edge, edge) uint8
    positive: Tensor  # (frames,) int64, 1 for hit or maybe
    crop: int  # pixel, along an edge
    mean: float  # of all pixels
    deviation: float

    @classmethod
    def of(cls, frames: PaperFrames, device: str) -> Crops:
        """Put the frames on a device."""
        positive = (frames.labels != LABELS.index(Label.MISS)).astype(np.int64)
        sample = frames.windows[::10].astype(np.float32)
        windows = torch.from_numpy(frames.windows).to(device)
        crop = FEDKL_CROP // frames.shrink
        return cls(
            windows, torch.from_numpy(positive).to(device), crop, float(sample.mean()), float(sample.std())
        )

    @property
    def reach(self) -> int:
        """Return the pixels by which a crop may leave the centre."""
        return (self.windows.shape[1] - self.crop) // 2

    def __call__(self, chosen: Tensor, changes: Tensor) -> Tensor:
        """Return crops (n, 1, crop, crop) of the frames (n,), scaled to mean 0 and deviation 1; see ``drawn``."""
        along = torch.arange(self.crop, device=self.windows.device)
        starts = changes[:, :2] + self.reach
        turned = torch.where(changes[:, 2:4, None] > 0, self.crop - 1 - along, along)  # (n, 2, crop)
        rows, cols = (starts[:, :, None] + turned).unbind(1)
        cut = self.windows[chosen[:, None, None], rows[:, :, None], cols[:, None, :]]
        cut = torch.where(changes[:, 4, None, None] > 0, cut.transpose(1, 2), cut)
        return ((cut.float() - self.mean) / self.deviation)[:, None].contiguous(
            memory_format=torch.channels_last
        )


def drawn(number: int, reach: int, generator: torch.Generator) -> Tensor:
    """Return how crops change, (number, 5): shifts of row and column, whether mirrored along each, and transposed.

    Mirrors and transposition together make all quarter turns.
    """
    shifts = torch.randint(-reach, reach + 1, (number, 2), generator=generator)
    return torch.cat([shifts, torch.randint(2, (number, 3), generator=generator)], dim=1)


def epoch(positive: NDArray[np.bool_], balanced: bool, generator: torch.Generator) -> Tensor:
    """Return the order of one pass over a site's frames, as positions (frames,).

    Balanced, each draw takes a class first and one of its frames then, so a frame may come often or never.
    """
    if not balanced or positive.all() or not positive.any():
        return torch.randperm(len(positive), generator=generator)
    share = np.where(positive, 1 / positive.sum(), 1 / (~positive).sum())
    return torch.multinomial(torch.from_numpy(share), len(positive), replacement=True, generator=generator)


@dataclass(slots=True, eq=False)
class CropSite:
    """One site: the frames that it trains on."""

    name: str
    frames: Indices
    learner: CropLearner
    arm: PaperArm
    seed: int
    terms: LocalTerms
    speed: float = SPEED
    own: State = field(default_factory=dict)  # its BatchNorm tensors after the last training

    @property
    def samples(self) -> int:
        """Return the number of frames."""
        return len(self.frames)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Return which frames are hit or maybe."""
        return self.learner.positive[self.frames]

    def train(self, model: State, version: int, epochs: int) -> Update:
        """Train by SGD and return the difference to the model."""
        generator = torch.Generator().manual_seed(training_seed(self.seed, self.name, version))
        hits = int(self.positive.sum())
        counts = (self.samples - hits, hits)
        shift = answer_shifts(counts, self.terms.calibration).to(self.learner.device)
        with self.learner.in_use:
            load_state(self.learner.network, model)
            loss = descend(self.learner, list(self.batches(epochs, generator)), shift)
            state = self.learner.state()
        local = batchnorm_names(state)
        self.own = {name: state[name] for name in local}
        return Update(self.name, version, difference(state, model), self.samples, (counts,), loss)

    def batches(self, epochs: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield frames and changes of each step; everything is drawn and sent before the first.

        All batches have one size, because a GPU's library plans anew for each: a batch may hold the end of one epoch
        and the start of the next, and the remainder after the last epoch is dropped.
        """
        device, reach = self.learner.device, self.learner.crops.reach
        orders = [epoch(self.positive, self.arm.balanced, generator) for _ in range(epochs)]
        frames = torch.from_numpy(self.frames)[torch.cat(orders)].to(device)
        changes = drawn(len(frames), reach, generator).to(device)
        for start in range(0, max(len(frames) - BATCH, 0) + 1, BATCH):
            yield frames[start : start + BATCH], changes[start : start + BATCH]


class CropLearner:
    """One network in a process, and the frames that it sees."""

    def __init__(self, name: str, group_norm: bool, crops: Crops, rate: float) -> None:
        self.name, self.group_norm, self.crops, self.rate = name, group_norm, crops, rate
        self.device = str(crops.windows.device)
        self.positive: NDArray[np.bool_] = crops.positive.cpu().numpy() > 0
        self.in_use = Lock()  # trainings run on a thread of the engine, while a barrier may judge mixtures
        built = network(name, group_norm, 0)
        self.network = built.to(device=self.device, memory_format=torch.channels_last)

    def start(self, seed: int) -> State:
        """Return a new network's state."""
        return {
            name: t.numpy().copy()
            for name, t in network(self.name, self.group_norm, seed).state_dict().items()
        }

    def site(self, name: str, frames: Indices, arm: PaperArm, seed: int, terms: LocalTerms) -> CropSite:
        """Return a site with these frames."""
        return CropSite(name, frames, self, arm, seed, terms)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return copies of the network's tensors."""
        return {name: t.detach().cpu().numpy().copy() for name, t in self.network.state_dict().items()}

    def logits(self, state: State, frames: Indices) -> NDArray[np.float64]:
        """Return each frame's logit of hit or maybe over miss (frames,), from the crop at the centre."""
        with self.in_use:
            load_state(self.network, state)
            return self._judged(frames)

    def mixed_logits(
        self, start: State, steps: Sequence[State], frames: Indices
    ) -> Callable[[Weights], NDArray[np.float64]]:
        """Return the function that judges the frames by ``start`` plus the weighted sum of the steps, on the device."""
        tensors = self.network.state_dict()
        floating = [name for name, tensor in tensors.items() if tensor.is_floating_point()]
        before = {name: torch.from_numpy(start[name]).to(self.device) for name in floating}
        stacked = {
            name: torch.from_numpy(np.stack([s[name] for s in steps])).to(self.device) for name in floating
        }

        def judged(weights: Weights) -> NDArray[np.float64]:
            shares = torch.from_numpy(weights.astype(np.float32)).to(self.device)
            with self.in_use:
                for name in floating:
                    mixed = before[name] + torch.tensordot(shares, stacked[name], dims=1)
                    tensors[name].copy_(mixed.clamp(min=0) if name.endswith("running_var") else mixed)
                return self._judged(frames)

        return judged

    @torch.no_grad()
    def _judged(self, frames: Indices) -> NDArray[np.float64]:
        self.network.eval()
        parts = []
        filled = np.resize(frames, -(-len(frames) // JUDGED) * JUDGED)  # to parts of one size, by repeating
        for part in torch.from_numpy(filled).to(self.device).split(JUDGED):
            still = torch.zeros((len(part), 5), dtype=torch.int64, device=self.device)
            parts.append(forward(self, self.crops(part, still)))
        both = torch.cat(parts)[: len(frames)]
        return (both[:, 1] - both[:, 0]).double().cpu().numpy()


def forward(learner: CropLearner, crops: Tensor) -> Tensor:
    """Return logits; in training on a GPU the layers work in bfloat16."""
    fast = learner.device.startswith("cuda") and learner.network.training
    with torch.autocast(learner.device.partition(":")[0], torch.bfloat16, enabled=fast):
        return learner.network(crops).float()


def descend(learner: CropLearner, batches: Sequence[tuple[Tensor, Tensor]], shift: Tensor) -> float:
    """Make one step of SGD for each batch; return the mean loss of the last tenth of them."""
    parameters = list(learner.network.parameters())
    velocities: list[Tensor | None] = [None] * len(parameters)
    learner.network.train()
    losses = []
    for frames, changes in batches:
        logits = forward(learner, learner.crops(frames, changes)) + shift
        loss = nn.functional.cross_entropy(logits, learner.crops.positive[frames])
        loss.backward()
        step(parameters, velocities, learner.rate)
        losses.append(loss.detach())  # a number only at the end: reading one waits for the device
    return float(torch.stack(losses[-max(1, len(losses) // 10) :]).mean())


@torch.no_grad()
def step(parameters: list[Tensor], velocities: list[Tensor | None], rate: float) -> None:
    """Move all parameters and forget the gradients, by torch's function: its class imports torch's compiler."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    sgd(
        parameters,
        gradients,
        velocities,
        foreach=parameters[0].is_cuda,
        weight_decay=0.0,
        momentum=MOMENTUM,
        lr=rate,
        dampening=0.0,
        nesterov=False,
        maximize=False,
    )
    for parameter in parameters:
        parameter.grad = None
