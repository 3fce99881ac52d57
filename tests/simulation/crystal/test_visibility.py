"""The significance of spots, and the label that follows from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.simulation.crystal.visibility import label_of, photons_needed, significance
from fedbragg.types import Label


def test_significance_of_many_and_of_few_photons() -> None:
    """Many counts: I / sqrt(B). Few: 5 photons over 0.1 are 5.5 standard deviations, not 16."""
    strong, weak = significance(np.array([300.0, 5.0]), np.array([1e6, 0.1]))
    assert strong == pytest.approx(0.3, rel=1e-3)
    assert weak == pytest.approx(5.49, abs=0.01)


@given(st.floats(1e-4, 1e5), st.floats(1, 20))
def test_needed_photons_reach_the_significance(background: float, wanted: float) -> None:
    under = np.array([background])
    assert significance(photons_needed(under, wanted), under)[0] == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize(
    ("visible", "label"), [(0, "miss"), (2, "miss"), (3, "maybe"), (11, "maybe"), (12, "hit")]
)
def test_the_label_counts_visible_spots(visible: int, label: str) -> None:
    assert label_of(np.array([6.0] * visible + [5.9] * 40)) is Label(label)
