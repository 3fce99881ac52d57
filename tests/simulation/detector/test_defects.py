"""Hot and dead pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import Beamline, simulate_run


def test_the_numbers_of_hot_and_dead_pixels_are_the_detectors(misses_of: Callable[..., Beamline]) -> None:
    line = misses_of("pilatus6m", "blank", 600)
    line = replace(
        line,
        detector=replace(line.detector, hot=1e-3, dead=2e-3, dead_masked=False),
        beam=replace(line.beam, stop_radius=0.0, stop_arm=None),
        background=replace(line.background, level=50.0, floor=1.0, spread=0.0, floor_spread=0.0, zingers=0.0),
    )
    stills = list(simulate_run(line, 3, seed=11))
    inside = ~stills[0].mask
    dead = np.logical_and.reduce([still.counts == 0 for still in stills]) & inside
    assert dead.sum() == pytest.approx(2e-3 * inside.sum(), abs=5 * np.sqrt(2e-3 * inside.sum()))
    hot = np.logical_and.reduce([still.counts > 250 for still in stills]) & inside
    assert hot.sum() > 0
    assert hot.sum() < 1.2e-3 * inside.sum()
