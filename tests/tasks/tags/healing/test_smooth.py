from __future__ import annotations

import numpy as np
import pytest

from fedbragg.tasks.tags.healing.healed import FilledBy
from fedbragg.tasks.tags.healing.smooth import heal_smoothly

from .conftest import bars, without


def test_a_plane_in_the_logarithm_goes_on_exactly() -> None:
    """Where a gap meets the image's edge the surface is free, and bends a little."""
    y, x = np.mgrid[:60, :60]
    truth = np.expm1(1 + 0.05 * x + 0.02 * y).astype(np.float32)
    gap = bars(truth.shape)
    healed = heal_smoothly(without(truth, gap))
    inner = np.s_[10:-10, 10:-10]
    assert healed.counts[inner] == pytest.approx(truth[inner], rel=0.001)
    assert (healed.steps[gap] == FilledBy.SMOOTH).all()


def test_measured_pixels_are_unchanged_and_what_lies_outside_is_left() -> None:
    counts = np.random.default_rng(1).poisson(40, (40, 40)).astype(np.float32)
    gap = np.zeros(counts.shape, np.bool_)
    gap[:10] = True  # the image's edge: measured on one side only
    gap[20:23, :30] = True
    healed = heal_smoothly(without(counts, gap))
    assert (healed.counts[~gap] == counts[~gap]).all()
    assert np.isnan(healed.counts[:9, 20]).all()
    assert (healed.steps[:9, 20] == FilledBy.UNFILLED).all()
    assert np.isfinite(healed.counts[20:23, 10]).all()
