"""Train a network of hit finding on labelled frames: loss, training, scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fedbragg.learn.calibration import yes_shifts
from fedbragg.learn.device import device_of
from fedbragg.learn.loop import fit, mean_gradient
from fedbragg.learn.settings import FitSettings
from fedbragg.learn.state import load_state, state_of
from fedbragg.progress import Step
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.network import NETWORKS, HitNetwork, SpotNet, WholeFrame
from fedbragg.tasks.hits.prepare import CONTEXT
from fedbragg.tasks.hits.surroundings import MEASURES
from fedbragg.types import State

SPOT_SHARE = 4.0
"""Weight of the spot map in the loss, where the true spots are known."""
PRETRAINING_RATE = 4e-3
FIRST_LAYER = "spot.0.weight"
SPOTNET = "spotnet"
"""The network where none is named."""


@dataclass(frozen=True, slots=True, eq=False)
class HitProblem:
    """The loss of a network on a site's frames, as the training loop needs it."""

    network: HitNetwork
    data: HitData
    spot_share: float = SPOT_SHARE
    hit_weight: float = 1.0  # weight of a hit or maybe against a miss
    shift: Tensor | float = 0.0  # (1,) added to the logits, see yes_shifts

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.data)

    def loss(self, examples: Tensor) -> Tensor:
        """Return the cross-entropy of the hit score, and of the spot map where the spots are known."""
        device = device_of(self.network)
        measures, owner, spots = (part.to(device) for part in select_peaks(self.data, examples))
        hits, logits = self.network.batch(measures, owner, len(examples))
        loss = nn.functional.binary_cross_entropy_with_logits(
            hits + torch.as_tensor(self.shift, device=device),
            self.data.hit[examples].to(device),
            pos_weight=torch.tensor(self.hit_weight, device=device),
        )
        return loss + self.spot_share * _spot_loss(logits, spots, owner, len(examples))


def _spot_loss(logits: Tensor, spots: Tensor, owner: Tensor, frames: int) -> Tensor:
    """Return the cross-entropy of the known peaks; every frame counts the same, however many peaks it has."""
    known = spots >= 0
    entropy = nn.functional.binary_cross_entropy_with_logits(logits[known], spots[known], reduction="none")
    number = torch.zeros(frames, device=owner.device).index_add(0, owner[known], torch.ones_like(entropy))
    return (entropy / number[owner[known]]).sum() / frames


def select_peaks(data: HitData, examples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return measures, position of the frame in the batch, and spot labels of the peaks of these frames."""
    spans = [(int(data.first[i]), int(data.first[i + 1])) for i in examples]
    owner = torch.repeat_interleave(
        torch.arange(len(spans)), torch.tensor([stop - start for start, stop in spans])
    )
    peaks = torch.cat([torch.arange(start, stop) for start, stop in spans])
    return data.measures[peaks], owner, data.spots[peaks]


def frame_logits(network: HitNetwork, data: HitData) -> Tensor:
    """Return the logit of a hit of every frame, (frames,)."""
    network.eval()
    with torch.no_grad():
        owner = torch.repeat_interleave(torch.arange(len(data)), data.first.diff())
        return network.batch(data.measures, owner, len(data))[0]


def score(network: HitNetwork, data: HitData) -> NDArray[np.float64]:
    """Return the probability of a hit of every frame, (frames,)."""
    result: NDArray[np.float64] = torch.sigmoid(frame_logits(network, data)).double().numpy()
    return result


def new_network(generator: torch.Generator, name: str = SPOTNET) -> HitNetwork:
    """Return a network with random weights from the generator."""
    network = NETWORKS[name]()
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            bound = layer.in_features**-0.5
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.zeros_(layer.bias)
    of_peaks = network.spot if isinstance(network, SpotNet) else network.kind
    *_, last = (layer for layer in of_peaks if isinstance(layer, nn.Linear))
    nn.init.constant_(last.bias, -2.0)  # spots are rare, so start with a low probability
    return network


def train(
    problem: HitProblem, fitting: FitSettings, seed: int, step: Step | None = None
) -> tuple[dict[str, NDArray[Any]], float]:
    """Return the state after training a problem's network, and the last epoch's mean loss.

    ``step`` counts the epochs.
    """
    loss = fit(problem.network, problem, fitting, torch.Generator().manual_seed(seed), step)
    return state_of(problem.network), loss


def gradient(problem: HitProblem, fitting: FitSettings, seed: int) -> dict[str, NDArray[Any]]:
    """Return the gradient of the loss that ``train`` lowers, at the network's weights and over all frames."""
    return mean_gradient(problem.network, problem, fitting, torch.Generator().manual_seed(seed))


def labelled_problem(
    network: HitNetwork, data: HitData, fitting: FitSettings, hit_weight: float
) -> HitProblem:
    """Return the loss that a site trains by, its logits shifted as ``fitting`` asks."""
    shift = yes_shifts(data.label_counts, fitting.calibration)
    return HitProblem(network, data, hit_weight=hit_weight, shift=shift)


def pretrain(
    data: HitData | None,
    epochs: int,
    seed: int,
    step: Step | None = None,
    hit_weight: float = 1.0,
    name: str = SPOTNET,
) -> dict[str, NDArray[Any]]:
    """Return the state of a new network, trained first on known spots, then on the labels of whole frames.

    ``hit_weight`` is the weight of a hit against a miss in the last stage.
    """
    generator = torch.Generator().manual_seed(seed)
    network = new_network(generator, name)
    if data is not None:
        settings = FitSettings(epochs, learning_rate=PRETRAINING_RATE, annealed=True)
        fit(network, HitProblem(network, data), settings, generator, step)
        # The labels of frames decide in use, so training ends on them; a small loss on the spots keeps the map.
        settings = FitSettings(max(epochs // 4, 1), learning_rate=PRETRAINING_RATE / 8, annealed=True)
        fit(network, HitProblem(network, data, SPOT_SHARE / 4, hit_weight), settings, generator)
    return state_of(network)


def scores_of(state: State, data: HitData, name: str = SPOTNET) -> NDArray[np.float64]:
    """Return a model's scores of frames, (frames,)."""
    return score(network_of(state, name), data)


def whole_frame_of(state: State, name: str = SPOTNET) -> WholeFrame:
    """Return the network in the form that the model file holds."""
    return WholeFrame(network_of(state, name))


def network_of(state: State, name: str = SPOTNET) -> HitNetwork:
    """Return the network with these weights."""
    network = NETWORKS[name]()
    load_state(network, with_context(state))
    return network


def with_context(state: State) -> State:
    """Return the state; one of a model that knew no context takes it with weight 0, and so scores as before."""
    first = state.get(FIRST_LAYER)
    missing = MEASURES - first.shape[1] if first is not None and first.ndim == 2 else 0
    if first is None or missing != len(CONTEXT):
        return state
    return {**state, FIRST_LAYER: np.pad(first, ((0, 0), (0, missing)))}
