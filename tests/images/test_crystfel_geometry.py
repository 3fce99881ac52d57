"""CrystFEL's geometry files: panels, bad regions and scattering angles worked out by hand."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from fedbragg.cli import main
from fedbragg.errors import ConfigError, FrameError
from fedbragg.images import open_run, write_run
from fedbragg.images.crystfel_geometry import read_geometry
from fedbragg.screening.resolution import inverse_spacings
from fedbragg.types import Geometry

TWO_PANELS = """
; two panels side by side in the file, 10 pixels apart at the detector
photon_energy = 12398.42 eV   ; 1 angstrom
clen = 100 mm
coffset = 0.002
res = 10000 ; 0.1 mm
data = /entry/data/data
rigid_group_all = left,right

left/min_fs = 0
left/max_fs = 39
left/min_ss = 0
left/max_ss = 49
left/corner_x = -45.0
left/corner_y = -25
left/fs = +1.0x +0.0y
left/ss = x*0  ; replaced below
left/ss = 0x + y

right/min_fs = 40
right/max_fs = 79
right/min_ss = 0
right/max_ss = 49
right/corner_x = 5
right/corner_y = 25
right/fs = x
right/ss = -1y - .0x
right/clen = 0.2

badstop/min_x = -10
badstop/max_x = 10
badstop/min_y = -5
badstop/max_y = 5

badcorner/panel = right
badcorner/min_fs = 78
badcorner/max_fs = 79
badcorner/min_ss = 0
badcorner/max_ss = 1
"""


def written(folder: Path, text: str = TWO_PANELS) -> Path:
    path = folder / "two.geom"
    path.write_text(text.replace("left/ss = x*0  ; replaced below\n", ""))
    return path


def test_panels_have_their_place_in_the_file_and_at_the_detector(tmp_path: Path) -> None:
    read = read_geometry(written(tmp_path))
    left, right = read.geometry.panels
    assert (left.rows, left.cols, right.cols) == ((0, 50), (0, 40), (40, 80))
    assert left.distance == pytest.approx(0.102) and right.distance == pytest.approx(0.202)
    assert left.pixel == pytest.approx(1e-4) and read.geometry.wavelength == pytest.approx(1.0)
    assert left.position(np.array(10), np.array(3)) == (-42.0, -15.0)
    assert right.position(np.array(10), np.array(43)) == (8.0, 15.0)  # its rows run downwards
    assert read.shape == (50, 80)


def test_bad_regions_are_masked_in_the_laboratory_and_in_the_file(tmp_path: Path) -> None:
    mask = read_geometry(written(tmp_path)).mask((52, 80))
    assert mask[50:].all()  # below every panel
    assert not mask[0, 0] and not mask[2, 79]
    assert mask[:2, 78:80].all()
    left, right = mask[:50, :40], mask[:50, 40:]
    assert np.argwhere(left)[:, 1].min() == 35  # x = -10
    assert sorted(set(np.argwhere(left)[:, 0])) == list(range(20, 31))  # y = -5 to 5
    assert set(np.argwhere(right[2:])[:, 1]) == set(range(6))  # x = 5 to 10


def test_resolution_is_that_of_each_panel(tmp_path: Path) -> None:
    """Pixel (25, 0) of the left panel is 45 pixels or 4.5 mm from the beam, at 102 mm."""
    geometry = read_geometry(written(tmp_path)).geometry
    (left,) = inverse_spacings(np.array([[25], [0]]), geometry)
    (right,) = inverse_spacings(np.array([[25], [79]]), geometry)
    assert left == pytest.approx(2 * np.sin(np.arctan(4.5 / 102) / 2), rel=1e-4)
    assert right == pytest.approx(2 * np.sin(np.arctan(4.4 / 202) / 2), rel=1e-4)


def test_a_run_has_the_geometrys_panels_and_mask(tmp_path: Path) -> None:
    counts = np.random.default_rng(1).poisson(3, (2, 50, 80)).astype(np.uint16)
    counts[:, 7, 9] = 65535
    np.save(tmp_path / "a.npy", counts)
    run = open_run(tmp_path / "a.npy", geometry=written(tmp_path))
    assert run[0].placed == run.geometry.panels and len(run[0].placed) == len(run[0].panels)
    first, second = run[0], run[1]
    assert first.panels == ((0, 50, 0, 40), (0, 50, 40, 80))
    assert first.mask is second.mask and first.mask[7, 9] and first.mask[25, 38]
    assert run.geometry.wavelength == pytest.approx(1.0)


def test_what_the_file_knows_fills_what_the_geometry_leaves_open(tmp_path: Path) -> None:
    text = TWO_PANELS.replace("12398.42 eV", "/LCLS/photon_energy_eV").replace("100 mm", "/LCLS/encoder")
    known = Geometry(wavelength=1.3, distance=0.15)
    write_run(tmp_path / "a.h5", np.ones((1, 50, 80), np.uint16), geometry=known)
    geometry = open_run(tmp_path / "a.h5", geometry=written(tmp_path, text)).geometry
    assert (geometry.wavelength, geometry.distance) == (1.3, 0.15)
    assert geometry.panels[0].distance is None


def test_an_index_along_a_further_axis_puts_panels_one_below_the_other(tmp_path: Path) -> None:
    """As in the files of an AGIPD: (frames, panels, slow, fast)."""
    lines = ["photon_energy = 9.3 keV", "res = 5000", "clen = 0.1", "dim0 = %", "dim2 = ss", "dim3 = fs"]
    for i in range(3):
        lines += [f"p{i}/dim1 = {i}", f"p{i}/min_fs = 0", f"p{i}/max_fs = 59", f"p{i}/min_ss = 0"]
        lines += [f"p{i}/max_ss = 29", f"p{i}/corner_x = {70 * i}", f"p{i}/corner_y = 0"]
    path = written(tmp_path, "\n".join([*lines, "p1/no_index = 1"]))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data"] = np.random.default_rng(1).normal(9, 3, (2, 3, 30, 60)).astype(np.float32)
    frame = open_run(tmp_path / "a.h5", geometry=path)[0]
    assert frame.panels == ((0, 30, 0, 60), (30, 60, 0, 60), (60, 90, 0, 60))
    assert frame.mask[30:60].all() and not frame.mask[:30].any() and not frame.mask[60:].any()


def test_a_frame_smaller_than_its_geometry_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((40, 80), np.uint16))
    with pytest.raises(FrameError, match=r"has 40 x 80 pixels, .*two\.geom describes 50 x 80"):
        open_run(tmp_path / "a.npy", geometry=written(tmp_path))[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("res = 10000", "res ="), "panel left: res, the pixels in a metre"),
        (("left/max_fs = 39", "left/max_fs = many"), "panel left: max_fs is missing or no number"),
        (("right/fs = x", "right/fs = sideways"), "panel right: 'sideways' is not a direction"),
        (("badcorner/panel = right", "badcorner/panel = top"), "badcorner: there is no panel top"),
        (("clen = 100 mm", "clen 100 mm"), "line 4: 'clen 100 mm' has no '='"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_geometry(written(tmp_path, TWO_PANELS.replace(*change)))


def test_a_run_that_is_still_written_takes_no_geometry(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Leave out follow"):
        open_run(tmp_path, follow=True, geometry=written(tmp_path))


@pytest.mark.parametrize("text", ["", "clen = 0.1\n", "\x00\x01"])
def test_a_file_without_panels_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"describes no panel|has no '='"):
        read_geometry(written(tmp_path, text))


def test_a_run_is_screened_with_a_geometry(tmp_path: Path) -> None:
    """A row of bright pixels along a panel's edge belongs to a bad region; spots elsewhere have a resolution."""
    counts = np.random.default_rng(1).poisson(3, (1, 50, 80)).astype(np.uint16)
    for row, col in ((10, 10), (40, 20), (30, 60), (12, 70), (45, 5), (20, 50)):
        counts[0, row - 1 : row + 2, col - 1 : col + 2] += 60
        counts[0, row, col] += 200
    np.save(tmp_path / "a.npy", counts)
    command = ["screen", str(tmp_path / "a.npy"), "--geometry", str(written(tmp_path)), "--threshold", "0"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    header, row = (tmp_path / "out" / "verdicts.csv").read_text().splitlines()
    found = dict(zip(header.split(","), row.split(","), strict=True))
    assert int(found["spots"]) > 0 and 10 < float(found["resolution"]) < 60
    assert main([*command[:3], str(tmp_path / "none.geom"), "--out", str(tmp_path / "out")]) == 2
