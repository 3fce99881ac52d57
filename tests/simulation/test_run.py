"""A run of stills: in order, the same from the same seed, labelled by one rule."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from fedbragg.errors import ConfigError
from fedbragg.simulation import BEAMLINES, reduced, simulate_run
from fedbragg.simulation.artefacts.catalogue import ARTEFACTS
from fedbragg.simulation.crystal.visibility import label_of
from fedbragg.types import Label


@pytest.mark.parametrize("name", ["pilatus6m", "ccd", "l498"])
@pytest.mark.parametrize("workers", [2, 4])
def test_workers_change_nothing_but_the_time(name: str, workers: int) -> None:
    """Every trouble is among the misses, so that all that draws random numbers is in it."""
    beamline = reduced(BEAMLINES[name], 256, 256)
    misses = tuple((kind, 1.0) for kind in ARTEFACTS)
    beamline = replace(
        beamline, mix=replace(beamline.mix, rates=((0.3, 0.1),), artefact_share=0.5, misses=misses)
    )
    alone = list(simulate_run(beamline, 40, seed=3))
    together = list(simulate_run(beamline, 40, seed=3, workers=workers))
    assert len({still.kind for still in alone}) > 12
    assert [a.counts.tobytes() for a in alone] == [b.counts.tobytes() for b in together]
    assert [a.spots for a in alone] == [b.spots for b in together]
    assert [(a.label, a.kind) for a in alone] == [(b.label, b.kind) for b in together]


def test_another_seed_is_another_run() -> None:
    beamline = reduced(BEAMLINES["ln83"], 200, 200)
    first, second = (next(iter(simulate_run(beamline, 1, seed=seed))) for seed in (1, 2))
    assert not np.array_equal(first.counts, second.counts)


@pytest.mark.parametrize("name", list(BEAMLINES))
def test_every_beamline_writes_as_its_detector_does(name: str) -> None:
    beamline = reduced(BEAMLINES[name], 300, 280)
    for still in simulate_run(beamline, 4, seed=5):
        assert still.counts.shape == still.mask.shape == (300, 280)
        assert still.counts.dtype == beamline.detector.dtype
        assert still.counts[~still.mask].max() <= beamline.detector.saturation
        assert still.label is label_of(np.array([spot.significance for spot in still.spots]))


def test_the_mix_of_labels_is_the_beamlines() -> None:
    """LO19 has 730 hits, 151 maybes and 1119 misses in 2000 frames (Ke et al. 2018's label files)."""
    beamline = reduced(BEAMLINES["lo19"], 400, 400)
    labels = [still.label for still in simulate_run(beamline, 200, seed=1, workers=2)]
    assert labels.count(Label.HIT) == pytest.approx(73, abs=21)  # three standard deviations of a binomial
    assert labels.count(Label.MISS) == pytest.approx(112, abs=21)


def test_a_detector_cannot_be_reduced_to_a_larger_one() -> None:
    with pytest.raises(ConfigError, match="give 64 to 1024 rows"):
        reduced(BEAMLINES["ccd"], 2000, 2000)


def test_naming_beamlines_loads_no_compiler() -> None:
    """The command line must start fast: numba and gemmi wait until frames are made."""
    program = "import sys, fedbragg.simulation; print('numba' in sys.modules or 'gemmi' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
