from __future__ import annotations

import numpy as np
import pytest

from fedbragg.tasks.tags.healing.beam.estimate import estimate_beam
from fedbragg.tasks.tags.healing.healed import GappedImage

from ..conftest import bars, drawn, without


def ringed(beam: tuple[float, float], seed: int = 1) -> np.ndarray:
    """Return counts of two rings on a decay."""
    light = drawn(
        lambda r, _: (
            60 * np.exp(-r / 60)
            + 30 * np.exp(-0.5 * ((r - 55) / 2.5) ** 2)
            + 15 * np.exp(-0.5 * ((r - 90) / 3) ** 2)
        ),
        (300, 280),
        beam,
    )
    return np.random.default_rng(seed).poisson(light).astype(np.float32)


@pytest.mark.parametrize("beam", [(141.6, 152.3), (60.2, 230.7)])
def test_rings_under_gaps_give_their_beam_within_a_pixel(beam: tuple[float, float]) -> None:
    counts = ringed(beam)
    found = estimate_beam(without(counts, bars(counts.shape)))
    assert np.hypot(found.column - beam[0], found.row - beam[1]) < 1
    assert found.confidence > 0.5


def test_half_of_the_rings_is_enough() -> None:
    """The left half of the detector is off: nothing has its opposite."""
    beam = (141.6, 152.3)
    counts = ringed(beam)
    gap = np.zeros(counts.shape, np.bool_)
    gap[:, :142] = True
    found = estimate_beam(without(counts, gap))
    assert np.hypot(found.column - beam[0], found.row - beam[1]) < 1


def test_a_beam_outside_the_image_is_found() -> None:
    beam = (-40.0, 150.0)
    counts = ringed(beam)
    found = estimate_beam(GappedImage(counts, np.ones(counts.shape, np.bool_)))
    assert np.hypot(found.column - beam[0], found.row - beam[1]) < 2


def test_lobes_without_rings_give_their_beam_by_point_symmetry() -> None:
    beam = (141.6, 152.3)
    light = drawn(lambda r, chi: 100 * np.exp(-r / 40) * (1 + 0.9 * np.cos(2 * chi)), (300, 280), beam)
    counts = np.random.default_rng(2).poisson(light).astype(np.float32)
    found = estimate_beam(without(counts, bars(counts.shape)))
    assert np.hypot(found.column - beam[0], found.row - beam[1]) < 1.5


def test_noise_alone_gives_no_confidence() -> None:
    counts = np.random.default_rng(3).poisson(5, (200, 220)).astype(np.float32)
    assert estimate_beam(GappedImage(counts, np.ones(counts.shape, np.bool_))).confidence < 0.5


@pytest.mark.parametrize("value", [0, 7])
def test_a_constant_image_gives_a_place_without_confidence(value: float) -> None:
    counts = np.full((40, 50), value, np.float32)
    found = estimate_beam(GappedImage(counts, np.ones(counts.shape, np.bool_)))
    assert np.isfinite([found.column, found.row]).all()
    assert found.confidence < 0.1
