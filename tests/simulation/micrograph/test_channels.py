"""Dense precipitates leave channels of the width asked for, rounded corners, and room for small ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation.micrograph import channels
from fedbragg.simulation.micrograph.channels import Packing, distance_to, in_channels, pack_precipitates

SHAPE = (192, 256)
PACKING = Packing(diameter=32, channel=6, rounding=4, grown_together=0.0, missing=0.0)


def packed(packing: Packing = PACKING) -> np.ndarray:
    return pack_precipitates(packing, SHAPE, np.random.default_rng(3))


def test_distances_wrap_around_the_edges() -> None:
    there = np.zeros((10, 20), bool)
    there[0, 0] = True
    distance = distance_to(there)
    assert distance[9, 19] == pytest.approx(np.sqrt(2))
    assert distance[5, 10] == pytest.approx(np.hypot(5, 10))
    assert np.isinf(distance_to(np.zeros((4, 4), bool))).all()


def test_precipitates_fill_their_cells_but_for_half_a_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell of diameter d less a rim of w / 2 keeps about (1 - w / d)^2 of its area; rounding takes its corners."""
    monkeypatch.setattr(channels, "WAVER", 0.0)
    sharp, round_ = packed(replace(PACKING, rounding=0.0)), packed()
    assert (sharp > 0).mean() == pytest.approx((1 - 6 / 32) ** 2, abs=0.08)
    assert 0 < ((sharp > 0) & (round_ == 0)).mean() < 0.12
    assert not ((round_ > 0) & (sharp == 0)).any()


def test_no_two_precipitates_touch_where_channels_do_not_waver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "WAVER", 0.0)
    numbers = packed()
    for axis in (0, 1):
        after = np.roll(numbers, -1, axis)
        assert (numbers == after)[(numbers > 0) & (after > 0)].all()


def test_precipitates_are_left_out_and_grow_together() -> None:
    number = len(np.unique(packed()))
    assert len(np.unique(packed(replace(PACKING, missing=0.5)))) < 0.7 * number
    assert len(np.unique(packed(replace(PACKING, grown_together=0.4)))) < 0.8 * number


def test_small_particles_lie_in_the_channels_as_a_whole() -> None:
    precipitates = np.zeros((40, 40), np.int32)
    precipitates[:, :20] = 1
    small = np.zeros((40, 40), np.int32)
    small[10:14, 28:32] = 1  # free
    small[20:24, 19:23] = 2  # touches the precipitate
    small[30:34, 37:40] = 3  # its edge is close around the edge of the picture
    joined = in_channels(small, precipitates)
    assert (np.unique(joined) == [0, 1, 2]).all()
    assert (joined[10:14, 28:32] == 2).all() and (joined[20:24, 20:23] == 0).all()
