"""Train spotnet on labelled frames: loss, training, scores."""

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
from fedbragg.tasks.hits.network import SpotNet, WholeFrame
from fedbragg.tasks.hits.prepare import CONTEXT
from fedbragg.tasks.hits.surroundings import MEASURES
from fedbragg.types import State

SPOT_SHARE = 4.0
"""Weight of the spot map in the loss, where the true spots are known."""
PRETRAINING_RATE = 4e-3
FIRST_LAYER = "spot.0.weight"


@dataclass(frozen=True, slots=True, eq=False)
class HitProblem:
    """The loss of spotnet on a site's frames, as the training loop needs it."""

    network: SpotNet
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
        logits = self.network.spots(measures)
        count = torch.zeros(len(examples), device=device).index_add(0, owner, self.network.votes(logits))
        loss = nn.functional.binary_cross_entropy_with_logits(
            self.network.hit(count) + torch.as_tensor(self.shift, device=device),
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


def score(network: SpotNet, data: HitData) -> NDArray[np.float64]:
    """Return the probability of a hit of every frame, (frames,)."""
    network.eval()
    with torch.no_grad():
        votes = network.votes(network.spots(data.measures))
        owner = torch.repeat_interleave(torch.arange(len(data)), data.first.diff())
        count = torch.zeros(len(data)).index_add(0, owner, votes)
        result: NDArray[np.float64] = torch.sigmoid(network.hit(count)).double().numpy()
    return result


def new_network(generator: torch.Generator) -> SpotNet:
    """Return a spotnet with random weights from the generator."""
    network = SpotNet()
    layers = [layer for layer in network.spot if isinstance(layer, nn.Linear)]
    for layer in layers:
        bound = layer.in_features**-0.5
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
        nn.init.zeros_(layer.bias)
    nn.init.constant_(layers[-1].bias, -2.0)  # spots are rare, so start with a low probability
    return network


def train(
    state: State, data: HitData, fitting: FitSettings, seed: int, hit_weight: float, step: Step | None = None
) -> tuple[dict[str, NDArray[Any]], float]:
    """Return the state after training from ``state``, and the last epoch's mean loss; ``step`` counts the epochs."""
    problem = _problem(state, data, fitting, hit_weight)
    loss = fit(problem.network, problem, fitting, torch.Generator().manual_seed(seed), step)
    return state_of(problem.network), loss


def gradient(
    state: State, data: HitData, fitting: FitSettings, seed: int, hit_weight: float
) -> dict[str, NDArray[Any]]:
    """Return the gradient of the loss that ``train`` lowers, at ``state`` and over all frames."""
    problem = _problem(state, data, fitting, hit_weight)
    return mean_gradient(problem.network, problem, fitting, torch.Generator().manual_seed(seed))


def _problem(state: State, data: HitData, fitting: FitSettings, hit_weight: float) -> HitProblem:
    shift = yes_shifts(data.label_counts, fitting.calibration)
    return HitProblem(network_of(state), data, hit_weight=hit_weight, shift=shift)


def pretrain(
    data: HitData | None, epochs: int, seed: int, step: Step | None = None, hit_weight: float = 1.0
) -> dict[str, NDArray[Any]]:
    """Return the state of a new network, trained first on known spots, then on the labels of whole frames.

    ``hit_weight`` is the weight of a hit against a miss in the last stage.
    """
    generator = torch.Generator().manual_seed(seed)
    network = new_network(generator)
    if data is not None:
        settings = FitSettings(epochs, learning_rate=PRETRAINING_RATE, annealed=True)
        fit(network, HitProblem(network, data), settings, generator, step)
        # The labels of frames decide in use, so training ends on them; a small loss on the spots keeps the map.
        settings = FitSettings(max(epochs // 4, 1), learning_rate=PRETRAINING_RATE / 8, annealed=True)
        fit(network, HitProblem(network, data, SPOT_SHARE / 4, hit_weight), settings, generator)
    return state_of(network)


def scores_of(state: State, data: HitData) -> NDArray[np.float64]:
    """Return a model's scores of frames, (frames,)."""
    return score(network_of(state), data)


def whole_frame_of(state: State) -> WholeFrame:
    """Return the network in the form that the model file holds."""
    return WholeFrame(network_of(state))


def network_of(state: State) -> SpotNet:
    """Return the network with these weights."""
    network = SpotNet()
    load_state(network, with_context(state))
    return network


def with_context(state: State) -> State:
    """Return the state; one of a model that knew no context takes it with weight 0, and so scores as before."""
    first = state.get(FIRST_LAYER)
    missing = MEASURES - first.shape[1] if first is not None and first.ndim == 2 else 0
    if first is None or missing != len(CONTEXT):
        return state
    return {**state, FIRST_LAYER: np.pad(first, ((0, 0), (0, missing)))}
