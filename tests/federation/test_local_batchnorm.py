"""FedBN: BatchNorm's tensors stay at their site."""

from __future__ import annotations

import numpy as np

from fedbragg.federation import federate
from fedbragg.federation.local_batchnorm import LocalBatchNorm, batchnorm_names
from fedbragg.types import Update


class ConstantSite:
    """Adds its own number to every tensor."""

    samples, speed = 10, 1.0

    def __init__(self, name: str, step: float) -> None:
        self.name, self.step = name, step
        self.started_from: list[dict] = []

    def train(self, model, version, epochs) -> Update:
        self.started_from.append({name: float(tensor[0]) for name, tensor in model.items()})
        tensors = {name: np.full_like(tensor, self.step) for name, tensor in model.items()}
        return Update(self.name, version, tensors, self.samples, ((5, 5),), 1.0)


def test_all_but_batchnorm_is_trained_together(settings) -> None:
    names = ["conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"]
    initial = {name: np.zeros(2) for name in names}
    assert batchnorm_names(initial) == set(names[1:])
    sites = [ConstantSite("a", 1.0), ConstantSite("b", 3.0)]
    rules = settings(schedule="sync", local_batchnorm=True, barriers=2, aggregation="fedavg")
    outcome = federate(rules, sites, initial)
    assert outcome.model["conv.weight"][0] == 4.0  # twice the mean of 1 and 3
    assert outcome.model["bn.weight"][0] == 0.0
    assert sites[1].started_from[1]["conv.weight"] == 2.0
    assert sites[1].started_from[1]["bn.weight"] == 3.0  # its own of the round before


def test_an_update_holds_no_batchnorm_tensor() -> None:
    initial = {"conv.weight": np.zeros(2), "bn.weight": np.zeros(2), "bn.running_mean": np.zeros(2)}
    update = LocalBatchNorm(ConstantSite("a", 1.0)).train(initial, 0, 1)
    assert list(update.tensors) == ["conv.weight"]
