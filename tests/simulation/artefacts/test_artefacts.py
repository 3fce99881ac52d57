"""What a frame shows besides crystals: every trouble on every kind of detector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES, Beamline, Still, reduced, simulate_run
from fedbragg.simulation.artefacts.catalogue import ARTEFACTS
from fedbragg.simulation.background.scene import StillScene
from fedbragg.simulation.background.shadows import Shadow, Streak, add_streak
from fedbragg.simulation.station import set_up
from fedbragg.simulation.still import expected_photons
from fedbragg.types import Label


def only(name: str, kind: str, size: int = 360) -> Beamline:
    """A beamline whose every frame is a miss of one kind."""
    line = reduced(BEAMLINES[name], size, size)
    return replace(line, mix=replace(line.mix, rates=((0.0, 0.0),), too_weak=0.0, misses=((kind, 1.0),)))


def frames(line: Beamline, number: int = 3) -> list[Still]:
    return list(simulate_run(line, number, seed=11))


@pytest.mark.parametrize("name", ["pilatus2m", "ccd", "lg36"])
@pytest.mark.parametrize("kind", list(ARTEFACTS))
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
    scene = StillScene(
        np.full(3000, 5.0), shadows=[Shadow(direction=0.0, distance=50.0, softness=1.0, transmission=0.1)]
    )
    column, row = (round(value) for value in station.beamline.detector.beam_centre)
    shaded = expected_photons(scene, station)
    clear = expected_photons(replace(scene, shadows=[]), station)
    assert shaded[row, column + 80] == pytest.approx(0.1 * clear[row, column + 80], rel=1e-4)
    assert shaded[row, column + 20] == pytest.approx(clear[row, column + 20], rel=1e-4)


def test_hits_lie_on_troubles_too() -> None:
    line = reduced(BEAMLINES["pilatus6m"], 500, 500)
    line = replace(line, mix=replace(line.mix, rates=((1.0, 0.0),), artefact_share=1.0))
    stills = frames(line, 12)
    assert all(still.kind.startswith("crystal+") for still in stills)
    assert len({still.kind for still in stills}) > 3
    assert sum(still.label is Label.HIT for still in stills) >= 10


def test_a_frame_of_fluorescence_varies_as_photons_do() -> None:
    """Mean = variance, on a counter whose pixels are alike, far from the axis' slow fall."""
    line = only("pilatus2m", "fluorescence")
    still = frames(replace(line, detector=replace(line.detector, flat=0.0, distance=20.0, hot=0.0)), 1)[0]
    part = still.counts[40:120, 40:120][~still.mask[40:120, 40:120]].astype(float)
    assert part.size > 3000
    assert part.var() == pytest.approx(part.mean(), rel=5 * np.sqrt((2 + 1 / part.mean()) / part.size))


def test_coarse_powders_range_from_a_few_spots_to_rings() -> None:
    """Pixels far above the background: a handful on some frames, thousands on others, and all are misses."""
    bright = []
    for still in frames(only("pilatus2m", "grains", 900), 24):
        assert still.spots == ()
        bright.append(int(np.sum(still.counts[~still.mask] > 20)))
    assert min(bright) < 100
    assert max(bright) > 2000


@pytest.mark.parametrize("name", ["pilatus6m", "pilatus2m", "eiger16m", "ccd"])
def test_synchrotrons_have_every_hard_miss(name: str) -> None:
    assert {kind for kind, _ in BEAMLINES[name].mix.misses} == set(ARTEFACTS)


def test_a_crystal_under_a_coarse_powder_lists_only_its_own_spots() -> None:
    """Some 17 visible spots are wanted, with hundreds of grains on the frame or none."""
    line = reduced(BEAMLINES["pilatus2m"], 900, 900)
    line = replace(line, mix=replace(line.mix, rates=((1.0, 0.0),), artefact_share=1.0, spots=(17.0, 0.1)))
    powders = [still for still in frames(line, 90) if still.kind == "crystal+grains"]
    assert len(powders) >= 3
    for still in powders:
        visible = sum(spot.significance >= 6 for spot in still.spots)
        assert visible < 35
        assert still.label is not Label.MISS


def test_hot_and_dead_pixels_are_as_many_as_said() -> None:
    line = only("pilatus6m", "blank", 600)
    line = replace(
        line,
        detector=replace(line.detector, hot=1e-3, dead=2e-3, dead_masked=False),
        beam=replace(line.beam, stop_radius=0.0, stop_arm=None),
        background=replace(line.background, level=50.0, floor=1.0, spread=0.0, floor_spread=0.0, zingers=0.0),
    )
    stills = frames(line, 3)
    inside = ~stills[0].mask
    dead = np.logical_and.reduce([still.counts == 0 for still in stills]) & inside
    assert dead.sum() == pytest.approx(2e-3 * inside.sum(), abs=5 * np.sqrt(2e-3 * inside.sum()))
    hot = np.logical_and.reduce([still.counts > 250 for still in stills]) & inside
    assert hot.sum() > 0
    assert hot.sum() < 1.2e-3 * inside.sum()


def test_a_streak_fades_along_its_length_and_is_as_wide_as_said() -> None:
    image = np.zeros((201, 401), np.float32)
    add_streak(image, (20.0, 100.0), Streak(direction=0.0, height=10.0, length=100.0, width=3.0))
    assert image[100, 120] == pytest.approx(10 / np.e, rel=1e-5)
    assert image[103, 20 + 1] == pytest.approx(image[100, 21] * np.exp(-0.5), rel=0.02)
    assert not image[:, :20].any()


def test_faint_frames_have_next_to_no_background() -> None:
    for still in frames(only("pilatus6m", "faint")):
        assert np.mean(still.counts[~still.mask] == 0) > 0.7
