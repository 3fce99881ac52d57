"""Train spotnet on the frames' peaks in the same federation: the gain of looking for Bragg peaks over pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.joining_facilities import frames_of
from baselines.paper_arms import PaperArm
from baselines.paper_crops import SPEED
from baselines.paper_partitions import Indices
from baselines.paper_weights import Weights
from fedbragg.config import TrainingSettings
from fedbragg.learn.settings import LocalTerms
from fedbragg.learn.state import state_of
from fedbragg.state_arithmetic import apply_steps
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.learner import new_network, scores_of
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.hits.task import HitsTask
from fedbragg.tasks.site import TaskSite
from fedbragg.types import State

NAME = "spotnet"


class PeakLearner:
    """spotnet from random weights, trained on labels alone as the task trains it: Adam, whole frames, no crops."""

    def __init__(self, data: HitData) -> None:
        self.data = data
        self.positive: NDArray[np.bool_] = data.truth
        self._task = HitsTask(HitsSettings(), PrepareSettings())

    def start(self, seed: int) -> State:
        """Return a new network's state."""
        return state_of(new_network(torch.Generator().manual_seed(seed)))

    def site(
        self, name: str, frames: Indices, arm: PaperArm, seed: int, terms: LocalTerms
    ) -> TaskSite[HitData]:
        """Return a site with these frames; spotnet has no BatchNorm."""
        part = frames_of(self.data, frames)
        return TaskSite(name, self._task, part, TrainingSettings(), seed, SPEED, terms=terms)

    def logits(self, state: State, frames: Indices) -> NDArray[np.float64]:
        """Return each frame's logit (frames,)."""
        return _logit(scores_of(state, frames_of(self.data, frames)))

    def mixed_logits(
        self, start: State, steps: Sequence[State], frames: Indices
    ) -> Callable[[Weights], NDArray[np.float64]]:
        """Return the function that judges the frames by ``start`` plus the weighted sum of the steps."""
        part = frames_of(self.data, frames)
        return lambda weights: _logit(scores_of(apply_steps(start, steps, [*map(float, weights)]), part))


def _logit(score: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = np.clip(score, 1e-9, 1 - 1e-9)
    return np.log(kept / (1 - kept))
