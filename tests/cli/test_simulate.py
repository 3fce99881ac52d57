"""``fedbragg simulate``: a run and its labels on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedbragg.cli.simulate import simulate
from fedbragg.errors import ConfigError
from fedbragg.images import open_run, read_labels
from fedbragg.simulation import BEAMLINES, reduced, simulate_run
from fedbragg.types import Frame


def test_the_run_on_disk_is_the_run_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate("lo19", frames=6, out=tmp_path / "made", seed=9, workers=2, size=200, listing=False)
    assert "6 stills" in capsys.readouterr().out
    run = open_run(tmp_path / "made" / "lo19.h5")
    line = reduced(BEAMLINES["lo19"], 200, 200)
    assert run.geometry.wavelength == pytest.approx(line.beam.wavelength)
    table = (tmp_path / "made" / "labels.csv").read_text().splitlines()
    assert table[0] == "path,frame,label"
    for index, still in enumerate(simulate_run(line, 6, seed=9)):
        frame = run[index]
        assert isinstance(frame, Frame)
        assert np.array_equal(frame.counts, still.counts)
        assert np.array_equal(frame.mask, still.mask)
        assert table[index + 1] == f"lo19.h5,{index},{still.label}"
    assert read_labels(tmp_path / "made" / "labels.csv")


def test_an_unknown_beamline_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'l499'.*l498, lg36"):
        simulate("l499")


def test_the_list_names_every_beamline(capsys: pytest.CaptureFixture[str]) -> None:
    simulate(listing=True)
    shown = capsys.readouterr().out
    assert all(name in shown for name in BEAMLINES)
