"""A round of five sites ends where Flower 1.42.0 ends; its figures are written down here, as it is no dependency."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.config import FederationSettings
from fedbragg.federation.rules.apply import combine, report_weights
from fedbragg.federation.rules.weights import Profile

SIZES = (100, 40, 250, 80, 130)
MODELS = ([0.1, 2.0, -1.5], [0.4, 1.0, 0.5], [9.0, -7.0, 6.0], [0.3, 1.4, -0.6], [-0.2, 1.7, 0.2])

# From flwr.server.strategy.aggregate: aggregate, aggregate_median, aggregate_trimmed_avg(results, 0.2), and
# aggregate_krum(results, 1, 4) with equal sizes, since Flower weighs the kept sites by size and Krum here does not.
FLOWER = {
    "fedavg": [3.79, -1.9616666666666667, 2.2466666666666666],
    "median": [0.3, 1.4, 0.2],
    "trimmed_mean": [0.26666666666666666, 1.3666666666666665, 0.03333333333333335],
    "krum": [0.15, 1.525, -0.35],
}


@pytest.mark.parametrize("aggregation", FLOWER)
def test_a_round_ends_where_flowers_ends(aggregation: str) -> None:
    settings = FederationSettings(aggregation=aggregation, hostile_share=0.2)
    start = {"w": np.ones(3)}
    steps = [{"w": np.array(model) - start["w"]} for model in MODELS]
    weights = report_weights(start, steps, [Profile(size, ((size, 0),)) for size in SIZES], settings)
    assert combine(start, steps, list(weights), settings)["w"] == pytest.approx(
        FLOWER[aggregation], rel=1e-12
    )
