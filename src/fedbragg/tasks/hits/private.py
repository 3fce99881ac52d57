"""Train spotnet with differential privacy, where the unit is a run or crystal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fedbragg.errors import LabelError
from fedbragg.learn.private_loop import fit_privately
from fedbragg.learn.settings import FitSettings, NoisedFacts, PrivateTerms
from fedbragg.learn.state import state_of
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.learner import HitProblem, network_of, select_peaks
from fedbragg.tasks.hits.network import hit_logits, votes
from fedbragg.types import State


@dataclass(frozen=True, slots=True, eq=False)
class HitUnits:
    """A site's frames by run or crystal, as private training needs them."""

    problem: HitProblem
    frames: Sequence[Tensor]  # of each unit, the positions of its frames

    @property
    def questions(self) -> tuple[int, ...]:
        """Return that there is one question with two answers."""
        return (2,)

    def __len__(self) -> int:
        """Return the number of runs or crystals."""
        return len(self.frames)

    def gradients(self, units: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return loss and gradient of each unit, all from one pass through the network.

        The gradient of a layer's weights is the sum over a unit's peaks of its output's gradient times its input
        (Goodfellow, arXiv 1510.01799). The true spots of simulated frames are not used.
        """
        network, chosen = self.problem.network, [self.frames[unit] for unit in units]
        frames = torch.cat(chosen)
        unit_of_frame = torch.repeat_interleave(
            torch.arange(len(units)), torch.tensor([len(f) for f in chosen])
        )
        measures, frame, _ = select_peaks(self.problem.data, frames)
        unit_of_peak = unit_of_frame[frame]
        inputs, outputs = _through(network.spot, measures)
        certainty, weight, offset = (
            number.detach().expand(len(units)).clone().requires_grad_()
            for number in (network.certainty, network.count_weight, network.count_offset)
        )
        shares = votes(outputs[-1][:, 0], certainty[unit_of_peak])
        count = torch.zeros(len(frames)).index_add(0, frame, shares)
        losses = nn.functional.binary_cross_entropy_with_logits(
            hit_logits(count, weight[unit_of_frame], offset[unit_of_frame]),
            self.problem.data.hit[frames],
            pos_weight=torch.tensor(self.problem.hit_weight),
            reduction="none",
        )
        numbers = torch.tensor([len(f) for f in chosen])
        mean = torch.zeros(len(units)).index_add(0, unit_of_frame, losses) / numbers
        *heads, last = torch.autograd.grad(mean.sum(), [certainty, weight, offset, *outputs])
        deltas = [*heads[3:], last]
        ends = torch.bincount(unit_of_peak, minlength=len(units)).cumsum(0).tolist()
        spans = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
        return mean.detach(), torch.cat(
            [torch.stack(heads[:3], dim=1), *_layers(inputs, deltas, spans)], dim=1
        )

    def label_shares(self, unit: int) -> Tensor:
        """Return the shares of misses and of hits among the frames of one unit, (2,)."""
        hits = self.problem.data.hit[self.frames[unit]].mean()
        return torch.stack([1 - hits, hits])


def _through(layers: nn.Sequential, measures: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Return the inputs and the outputs of the linear layers."""
    inputs, outputs = [], []
    for layer in layers:
        if isinstance(layer, nn.Linear):
            inputs.append(measures.detach())
        measures = layer(measures)
        if isinstance(layer, nn.Linear):
            outputs.append(measures)
    return inputs, outputs


def _layers(inputs: Sequence[Tensor], deltas: Sequence[Tensor], spans: Sequence[slice]) -> list[Tensor]:
    """Return the gradients of each layer's weights and biases (units, numbers) from the gradients of its outputs."""
    parts = []
    for entered, delta in zip(inputs, deltas, strict=True):
        parts.append(torch.stack([(delta[span].T @ entered[span]).reshape(-1) for span in spans]))
        parts.append(torch.stack([delta[span].sum(dim=0) for span in spans]))
    return parts


def frames_by_unit(data: HitData) -> list[Tensor]:
    """Return the positions of each unit's frames; raise LabelError where it is unknown what the frames show."""
    if data.units is None:
        raise LabelError(
            "it is unknown which run or crystal each frame shows, so private training cannot begin."
        )
    return [(data.units == unit).nonzero()[:, 0] for unit in data.units.unique()]


def train_privately(
    state: State,
    data: HitData,
    fit: FitSettings,
    terms: PrivateTerms,
    generator: np.random.Generator,
    hit_weight: float,
) -> tuple[dict[str, NDArray[Any]], NoisedFacts]:
    """Return the state after private training from ``state``, and what else is told about the frames."""
    network = network_of(state)
    units = HitUnits(HitProblem(network, data, hit_weight=hit_weight), frames_by_unit(data))
    facts = fit_privately(network, units, fit, terms, generator)
    return state_of(network), facts
