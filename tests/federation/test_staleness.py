"""Damping of old updates."""

from __future__ import annotations

import pytest

from fedbragg.config import FederationSettings
from fedbragg.federation.staleness import damping


@pytest.mark.parametrize(
    ("kind", "exponent", "age", "expected"),
    [
        ("constant", 0.5, 9, 1.0),
        ("polynomial", 0.5, 0, 1.0),
        ("polynomial", 0.5, 3, 0.5),
        ("polynomial", 1.0, 3, 0.25),
        ("hinge", 10.0, 4, 1.0),
        ("hinge", 10.0, 6, 1 / 21),
    ],
)
def test_staleness_damps_as_fedasync_says(kind: str, exponent: float, age: int, expected: float) -> None:
    rules = FederationSettings(staleness=kind, staleness_exponent=exponent)
    assert damping(age, rules) == pytest.approx(expected)
