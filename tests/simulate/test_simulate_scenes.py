"""What a frame shows besides crystals: every trouble on every kind of detector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulate import BEAMLINES, Beamline, Still, reduced, simulate_run
from fedbragg.simulate.scene import TROUBLES, Scene
from fedbragg.simulate.shadows import HalfPlane
from fedbragg.simulate.station import set_up
from fedbragg.simulate.still import expect
from fedbragg.types import Label


def only(name: str, kind: str, size: int = 360) -> Beamline:
    """A beamline whose every frame is a miss of one kind."""
    line = reduced(BEAMLINES[name], size, size)
    return replace(line, mix=replace(line.mix, rates=((0.0, 0.0),), unseen=0.0, misses=((kind, 1.0),)))


def frames(line: Beamline, number: int = 3) -> list[Still]:
    return list(simulate_run(line, number, seed=11))


@pytest.mark.parametrize("name", ["pilatus2m", "ccd", "lg36"])
@pytest.mark.parametrize("kind", list(TROUBLES))
def test_every_trouble_is_a_miss_without_a_spot(name: str, kind: str) -> None:
    for still in frames(only(name, kind)):
        assert still.kind == kind
        assert still.label is Label.MISS
        assert still.spots == ()


def test_rings_make_strong_pixels_that_are_no_spots() -> None:
    """What makes it hard: pixels far above what Poisson allows about the frame's median."""
    for still in frames(only("pilatus6m", "powder", 700), 6):
        inside = still.counts[~still.mask].astype(float)
        if np.quantile(inside, 0.999) > np.median(inside) + 8 * np.sqrt(np.median(inside) + 1):
            return
    pytest.fail("none of six powder frames has a bright ring")


def test_without_beam_a_ccd_shows_its_offset_and_read_noise() -> None:
    for still in frames(only("ccd", "beam-off")):
        inside = still.counts[~still.mask].astype(float)
        assert np.median(inside) == pytest.approx(40, abs=1)
        middle = inside[abs(inside - 40) < 20]
        assert middle.std() == pytest.approx(4, rel=0.05)


def test_without_beam_a_counter_counts_next_to_nothing() -> None:
    for still in frames(only("pilatus6m", "beam-off")):
        assert np.mean(still.counts[~still.mask] == 0) > 0.99


def test_swarms_of_zingers_outnumber_the_usual() -> None:
    usual, swarm = (
        np.mean([np.sum(s.counts[~s.mask] > 10) for s in frames(only("pilatus2m", kind))])
        for kind in ("blank", "zingers")
    )
    assert swarm > usual + 3


def test_behind_a_shadows_edge_it_is_dark() -> None:
    station = set_up(reduced(BEAMLINES["pilatus6m"], 400, 400), np.random.SeedSequence(1))
    scene = Scene(
        np.full(3000, 5.0), shadows=[HalfPlane(direction=0.0, distance=50.0, softness=1.0, clear=0.1)]
    )
    column, row = (round(value) for value in station.beamline.detector.beam_centre)
    shaded = expect(scene, station)
    clear = expect(replace(scene, shadows=[]), station)
    assert shaded[row, column + 80] == pytest.approx(0.1 * clear[row, column + 80], rel=1e-4)
    assert shaded[row, column + 20] == pytest.approx(clear[row, column + 20], rel=1e-4)


def test_hits_lie_on_troubles_too() -> None:
    line = reduced(BEAMLINES["pilatus6m"], 500, 500)
    line = replace(line, mix=replace(line.mix, rates=((1.0, 0.0),), troubled=1.0))
    stills = frames(line, 12)
    assert all(still.kind.startswith("crystal+") for still in stills)
    assert len({still.kind for still in stills}) > 3
    assert sum(still.label is Label.HIT for still in stills) >= 10
