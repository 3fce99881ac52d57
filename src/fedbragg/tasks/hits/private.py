"""Train spotnet of any width with differential privacy, where the unit is a run or crystal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fedbragg.errors import ConfigError, LabelError
from fedbragg.learn.private_loop import fit_privately
from fedbragg.learn.settings import FitSettings, NoisedFacts, PrivateTerms
from fedbragg.learn.state import state_of
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.learner import HitProblem, select_peaks
from fedbragg.tasks.hits.network import HitNetwork, SpotNet, hit_logits, votes


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """The frames and peaks of some units, unit by unit."""

    frames: Tensor  # (frames,) positions in the site's data
    sizes: Tensor  # (units,) frames of each
    unit_of_frame: Tensor  # (frames,)
    measures: Tensor  # (peaks, 64)
    frame_of_peak: Tensor  # (peaks,)

    @property
    def spans(self) -> list[slice]:
        """Return where each unit's peaks are."""
        units = self.unit_of_frame[self.frame_of_peak]
        ends = torch.bincount(units, minlength=len(self.sizes)).cumsum(0).tolist()
        return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]


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
        batch = _batch(self.problem.data, [self.frames[unit] for unit in units])
        network = counting(self.problem.network)
        inputs, outputs = _through(network.spot, batch.measures)
        heads = [  # one of each for every unit, so that each unit has its own gradient
            number.detach().expand(len(units)).clone().requires_grad_()
            for number in (network.certainty, network.count_weight, network.count_offset)
        ]
        losses = self._losses(batch, outputs[-1][:, 0], heads)
        found = torch.autograd.grad(losses.sum(), [*heads, *outputs])
        first = torch.stack(found[: len(heads)], dim=1)
        return losses.detach(), torch.cat([first, *_layers(inputs, found[len(heads) :], batch.spans)], dim=1)

    def _losses(self, batch: _Batch, logits: Tensor, heads: Sequence[Tensor]) -> Tensor:
        """Return each unit's mean loss (units,) from the logits of all peaks."""
        certainty, weight, offset = heads
        shares = votes(logits, certainty[batch.unit_of_frame[batch.frame_of_peak]])
        count = torch.zeros(len(batch.frames)).index_add(0, batch.frame_of_peak, shares)
        losses = nn.functional.binary_cross_entropy_with_logits(
            hit_logits(count, weight[batch.unit_of_frame], offset[batch.unit_of_frame]),
            self.problem.data.hit[batch.frames],
            pos_weight=torch.tensor(self.problem.hit_weight),
            reduction="none",
        )
        return torch.zeros(len(weight)).index_add(0, batch.unit_of_frame, losses) / batch.sizes

    def label_shares(self, unit: int) -> Tensor:
        """Return the shares of misses and of hits among the frames of one unit, (2,)."""
        hits = self.problem.data.hit[self.frames[unit]].mean()
        return torch.stack([1 - hits, hits])


def counting(network: HitNetwork) -> SpotNet:
    """Return a network if it is a spotnet, whose gradients this module knows; raise ConfigError for another."""
    if not isinstance(network, SpotNet):
        raise ConfigError("[privacy]: epsilon trains spotnet and spotnet-small alone; choose one of them.")
    return network


def _batch(data: HitData, units: Sequence[Tensor]) -> _Batch:
    frames, sizes = torch.cat(list(units)), torch.tensor([len(frames) for frames in units])
    measures, frame_of_peak, _ = select_peaks(data, frames)
    return _Batch(
        frames, sizes, torch.repeat_interleave(torch.arange(len(units)), sizes), measures, frame_of_peak
    )


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
    """Return the positions of each unit's frames; raise LabelError where the frames' units are unknown."""
    if data.units is None:
        raise LabelError(
            "it is unknown which run or crystal each frame shows, so private training cannot begin."
        )
    return [(data.units == unit).nonzero()[:, 0] for unit in data.units.unique()]


def train_privately(
    network: HitNetwork,
    data: HitData,
    fit: FitSettings,
    terms: PrivateTerms,
    generator: np.random.Generator,
    hit_weight: float,
) -> tuple[dict[str, NDArray[Any]], NoisedFacts]:
    """Return the state after private training of ``network``, and the noisy facts about the frames."""
    units = HitUnits(HitProblem(counting(network), data, hit_weight=hit_weight), frames_by_unit(data))
    facts = fit_privately(network, units, fit, terms, generator)
    return state_of(network), facts
