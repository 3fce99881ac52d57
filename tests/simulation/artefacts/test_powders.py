"""Powders as artefacts: rings and coarse grains, alone and beside crystals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES, Beamline, reduced, simulate_run
from fedbragg.types import Label


def test_rings_have_strong_pixels_that_are_not_spots(misses_of: Callable[..., Beamline]) -> None:
    """Some pixels are far above the Poisson spread around the frame's median."""
    for still in simulate_run(misses_of("pilatus6m", "powder", 700), 6, seed=11):
        inside = still.counts[~still.mask].astype(float)
        if np.quantile(inside, 0.999) > np.median(inside) + 8 * np.sqrt(np.median(inside) + 1):
            return
    pytest.fail("none of six powder frames has a bright ring")


def test_coarse_powders_range_from_a_few_spots_to_rings(misses_of: Callable[..., Beamline]) -> None:
    """Some frames have a handful of pixels far above the background, some thousands; none lists a spot."""
    bright = []
    for still in simulate_run(misses_of("pilatus2m", "grains", 900), 24, seed=11):
        assert still.spots == ()
        bright.append(int(np.sum(still.counts[~still.mask] > 20)))
    assert min(bright) < 100
    assert max(bright) > 2000


def test_only_the_crystals_spots_are_listed_beside_a_coarse_powder() -> None:
    """About 17 visible spots are wanted, however many grains the frame shows."""
    line = reduced(BEAMLINES["pilatus2m"], 900, 900)
    line = replace(line, mix=replace(line.mix, rates=((1.0, 0.0),), artefact_share=1.0, spots=(17.0, 0.1)))
    powders = [still for still in simulate_run(line, 90, seed=11) if still.kind == "crystal+grains"]
    assert len(powders) >= 3
    for still in powders:
        visible = sum(spot.significance >= 6 for spot in still.spots)
        assert visible < 35
        assert still.label is not Label.MISS
