"""FedDF (Lin et al. 2020): train every network towards the sites' averaged predictions on public frames.

Sites may then run different networks and optimisers, because they share predictions instead of weights. A
Student does the training; this module averages the predictions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fedbragg.federation.ensemble import Refine, join_networks, part_of
from fedbragg.types import State


class Student(Protocol):
    """One network with the public frames."""

    def logits(self, state: State) -> NDArray[Any]:
        """Return (frames, classes) logits of the public frames under a state."""
        ...

    def train(self, state: State, targets: NDArray[Any]) -> State:
        """Return the state after training towards (frames, classes) probabilities."""
        ...


def distillation(students: Mapping[str, Student], networks: Mapping[str, str]) -> Refine:
    """Return the function that an Ensemble takes as ``refine``.

    ``students`` has one for each network, ``networks`` gives each site's network. At a barrier the logits of
    all sites' models are averaged, and each network's combined model is trained towards their softmax.
    """

    def refine(model: State, teachers: Mapping[str, State]) -> State:
        answers = [students[networks[site]].logits(state) for site, state in teachers.items()]
        targets = softmax(np.mean(answers, axis=0))
        return join_networks({n: s.train(part_of(n, model), targets) for n, s in students.items()})

    return refine


def softmax(logits: NDArray[Any]) -> NDArray[Any]:
    """Turn (frames, classes) logits into probabilities."""
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[Any] = exponent / exponent.sum(axis=1, keepdims=True)
    return probabilities
