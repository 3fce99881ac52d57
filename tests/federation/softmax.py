"""A small real learning problem: softmax regression in numpy on skewed synthetic data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.config import Federation
from fedbragg.types import State, Update

FEATURES, CLASSES = 8, 3


@dataclass
class SoftmaxSite:
    """A site that trains softmax regression by mini-batch gradient descent."""

    name: str
    inputs: NDArray[np.float64]  # (samples, FEATURES)
    targets: NDArray[np.int64]  # (samples,)
    speed: float = 1.0
    seed: int = 0
    rate: float = 0.1
    calls: list[tuple[int, int]] = field(default_factory=list)

    @property
    def samples(self) -> int:
        return len(self.targets)

    def train(self, model: State, version: int, epochs: int) -> Update:
        self.calls.append((version, epochs))
        generator = np.random.default_rng([self.seed, sum(self.name.encode()), version])
        weight, bias = np.array(model["weight"]), np.array(model["bias"])
        losses = []
        for _ in range(epochs):
            for batch in np.array_split(generator.permutation(self.samples), max(1, self.samples // 16)):
                chance = softmax(self.inputs[batch] @ weight + bias)
                losses.append(-np.log(chance[np.arange(len(batch)), self.targets[batch]] + 1e-12).mean())
                chance[np.arange(len(batch)), self.targets[batch]] -= 1
                weight -= self.rate * self.inputs[batch].T @ chance / len(batch)
                bias -= self.rate * chance.mean(axis=0)
        counts = np.bincount(self.targets, minlength=CLASSES)
        tensors = {"weight": weight - model["weight"], "bias": bias - model["bias"]}
        return Update(
            self.name, version, tensors, self.samples, (tuple(map(int, counts)),), float(np.mean(losses[-8:]))
        )


@dataclass
class Problem:
    """Skewed sites, a balanced test set, and the start model."""

    sites: list[SoftmaxSite]
    inputs: NDArray[np.float64]
    targets: NDArray[np.int64]
    initial: dict[str, NDArray[Any]]

    def evaluate(self, model: State) -> dict[str, float]:
        scores = self.inputs @ model["weight"] + model["bias"]
        return {"accuracy": float((scores.argmax(axis=1) == self.targets).mean())}


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    exponent = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponent / exponent.sum(axis=1, keepdims=True)


def skewed_problem(
    seed: int = 1,
    speeds: Sequence[float] = (8.0, 4.0, 2.0, 1.5, 1.0),
    sizes: Sequence[int] = (120, 60, 200, 90, 150),
) -> Problem:
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(CLASSES, FEATURES))

    def draw(count: int, mix: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        targets = generator.choice(CLASSES, size=count, p=mix)
        return centres[targets] + generator.normal(size=(count, FEATURES)), targets

    sites = []
    for number, (speed, size) in enumerate(zip(speeds, sizes, strict=True)):
        mix = generator.dirichlet(np.full(CLASSES, 1.0))
        sites.append(SoftmaxSite(f"site{number}", *draw(size, mix), speed=speed, seed=seed))
    inputs, targets = draw(1000, np.full(CLASSES, 1 / CLASSES))
    initial = {"weight": np.zeros((FEATURES, CLASSES)), "bias": np.zeros(CLASSES)}
    return Problem(sites, inputs, targets, initial)


def federation_settings(seed: int = 1, warmup: int = 3, epochs: int = 1, **rules: Any) -> Federation:
    return Federation.model_validate(
        {
            "seed": seed,
            "training": {"warmup_epochs": warmup, "epochs": epochs},
            "federation": {"barriers": 5, **rules},
            "sites": [{"name": "any", "runs": ["any.h5"], "labels": "any.csv"}],
        }
    )
