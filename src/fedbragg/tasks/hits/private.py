"""Train spotnet with differential privacy, where the unit is a run or crystal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedbragg.errors import LabelError
from fedbragg.learn.private_loop import fit_privately
from fedbragg.learn.settings import FitSettings, NoisedFacts, PrivateTerms
from fedbragg.learn.state import state_of
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.learner import HitProblem, network_of
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

    def loss(self, unit: int) -> Tensor:
        """Return the mean loss over the frames of one unit."""
        return self.problem.loss(self.frames[unit])

    def label_shares(self, unit: int) -> Tensor:
        """Return the shares of misses and of hits among the frames of one unit, (2,)."""
        hits = self.problem.data.hit[self.frames[unit]].mean()
        return torch.stack([1 - hits, hits])


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
