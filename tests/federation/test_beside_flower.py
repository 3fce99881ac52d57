"""The same rules as Flower computes them, where Flower is installed (it is no dependency: pip install flwr)."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.combine import combine, share_out
from fedbragg.federation.rules.weights import Profile

flower = pytest.importorskip("flwr.server.strategy.aggregate", reason="Flower is not installed")

SIZES = (100, 40, 250, 80, 130)


def site_models(seed: int = 0) -> list[list[np.ndarray]]:
    generator = np.random.default_rng(seed)
    return [[generator.normal(size=(5, 7)), generator.normal(size=3)] for _ in SIZES]


def ours(aggregation: str, models: list[list[np.ndarray]]) -> list[np.ndarray]:
    rules = FederationSettings(aggregation=aggregation, hostile_share=0.2, sample_factor=1e6)
    start = {str(number): np.ones_like(tensor) for number, tensor in enumerate(models[0])}
    steps = [{str(n): tensor - start[str(n)] for n, tensor in enumerate(model)} for model in models]
    weights = share_out(steps, [Profile(size, ((size, 0),)) for size in SIZES], rules)
    return list(combine(start, steps, list(weights), rules).values())


def theirs(aggregation: str, models: list[list[np.ndarray]]) -> list[np.ndarray]:
    results = list(zip(models, SIZES, strict=True))
    match aggregation:
        case "median":
            return flower.aggregate_median(results)
        case "trimmed_mean":
            return flower.aggregate_trimmed_avg(results, 0.2)
        case "krum":  # Flower weighs the kept sites by size; equal sizes make that our plain mean
            return flower.aggregate_krum([(model, 1) for model in models], 1, len(SIZES) - 1)
        case _:
            return flower.aggregate(results)


@pytest.mark.parametrize("aggregation", ["fedavg", "fedprox", "median", "trimmed_mean", "krum"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_round_ends_where_flowers_ends(aggregation: str, seed: int) -> None:
    models = site_models(seed)
    if aggregation == "krum":
        models[2] = [tensor + 5 for tensor in models[2]]  # so that there is somebody to drop
    for mine, other in zip(ours(aggregation, models), theirs(aggregation, models), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-12)


def test_fedprox_aggregates_as_flowers_strategy_does() -> None:
    from flwr.server.strategy import FedAvg, FedProx

    assert FedProx.aggregate_fit is FedAvg.aggregate_fit  # the proximal term pulls at the sites only
