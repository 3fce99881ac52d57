"""Every artefact on every kind of detector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import Beamline, Still, simulate_run
from fedbragg.simulation.artefacts.catalogue import ARTEFACTS
from fedbragg.types import Label

MissesOf = Callable[..., Beamline]


def frames(line: Beamline, number: int = 3) -> list[Still]:
    return list(simulate_run(line, number, seed=11))


@pytest.mark.parametrize("name", ["pilatus2m", "ccd", "lg36"])
@pytest.mark.parametrize("kind", list(ARTEFACTS))
def test_every_artefact_alone_is_a_miss_without_a_spot(misses_of: MissesOf, name: str, kind: str) -> None:
    for still in frames(misses_of(name, kind)):
        assert still.kind == kind
        assert still.label is Label.MISS
        assert still.spots == ()


def test_without_beam_a_ccd_shows_its_offset_and_read_noise(misses_of: MissesOf) -> None:
    for still in frames(misses_of("ccd", "beam-off")):
        inside = still.counts[~still.mask].astype(float)
        assert np.median(inside) == pytest.approx(40, abs=1)
        middle = inside[abs(inside - 40) < 20]
        assert middle.std() == pytest.approx(4, rel=0.05)


def test_without_beam_a_photon_counter_counts_almost_nothing(misses_of: MissesOf) -> None:
    for still in frames(misses_of("pilatus6m", "beam-off")):
        assert np.mean(still.counts[~still.mask] == 0) > 0.99


def test_the_zinger_artefact_adds_zingers(misses_of: MissesOf) -> None:
    usual, many = (
        np.mean([np.sum(s.counts[~s.mask] > 10) for s in frames(misses_of("pilatus2m", kind))])
        for kind in ("blank", "zingers")
    )
    assert many > usual + 3


def test_the_variance_of_a_frame_of_fluorescence_is_its_mean(misses_of: MissesOf) -> None:
    """On a photon counter with equal pixels, far enough away for equal geometric factors."""
    line = misses_of("pilatus2m", "fluorescence")
    still = frames(replace(line, detector=replace(line.detector, flat=0.0, distance=20.0, hot=0.0)), 1)[0]
    part = still.counts[40:120, 40:120][~still.mask[40:120, 40:120]].astype(float)
    assert part.size > 3000
    assert part.var() == pytest.approx(part.mean(), rel=5 * np.sqrt((2 + 1 / part.mean()) / part.size))


def test_faint_frames_have_almost_no_background(misses_of: MissesOf) -> None:
    for still in frames(misses_of("pilatus6m", "faint")):
        assert np.mean(still.counts[~still.mask] == 0) > 0.7
