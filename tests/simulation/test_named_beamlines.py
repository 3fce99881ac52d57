"""The named beamlines: their counts, their labels and their artefacts."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES, reduced, simulate_run
from fedbragg.simulation.artefacts.catalogue import ARTEFACTS
from fedbragg.simulation.crystal.visibility import label_of
from fedbragg.types import Label


@pytest.mark.parametrize("name", list(BEAMLINES))
def test_the_counts_of_every_beamline_fit_its_detector(name: str) -> None:
    beamline = reduced(BEAMLINES[name], 300, 280)
    for still in simulate_run(beamline, 4, seed=5):
        assert still.counts.shape == still.mask.shape == (300, 280)
        assert still.counts.dtype == beamline.detector.dtype
        assert still.counts[~still.mask].max() <= beamline.detector.saturation
        assert still.label is label_of(np.array([spot.significance for spot in still.spots]))


def test_the_shares_of_labels_are_the_data_sets() -> None:
    """LO19 has 730 hits, 151 maybes and 1119 misses in 2000 frames (Ke et al. 2018's label files)."""
    beamline = reduced(BEAMLINES["lo19"], 400, 400)
    labels = [still.label for still in simulate_run(beamline, 200, seed=1, workers=2)]
    assert labels.count(Label.HIT) == pytest.approx(73, abs=21)  # three standard deviations of a binomial
    assert labels.count(Label.MISS) == pytest.approx(112, abs=21)


@pytest.mark.parametrize("name", ["pilatus6m", "pilatus2m", "eiger16m", "ccd"])
def test_the_misses_of_synchrotrons_show_every_artefact(name: str) -> None:
    """An image plate is another detector, which none of them has."""
    assert {kind for kind, _ in BEAMLINES[name].mix.misses} == set(ARTEFACTS) - {"image-plate"}


def test_importing_the_beamlines_does_not_import_the_compiler() -> None:
    """The command line must start fast: numba and gemmi wait until frames are made."""
    program = "import sys, fedbragg.simulation; print('numba' in sys.modules or 'gemmi' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
