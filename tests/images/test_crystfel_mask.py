"""Masks in HDF5 files that a geometry file names."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from fedbragg.cli import main
from fedbragg.errors import ConfigError
from fedbragg.images import open_run
from fedbragg.images.crystfel_geometry import read_geometry

PANEL = """
{mask}
photon_energy = 9 keV
clen = 0.1
res = 10000
data = /entry/data/data
p/min_fs = 0
p/max_fs = 79
p/min_ss = 0
p/max_ss = 49
p/corner_x = -40
p/corner_y = -25
"""


def geometry(folder: Path, *keys: str) -> Path:
    path = folder / "one.geom"
    path.write_text(PANEL.format(mask="\n".join(keys)))
    return path


def images(folder: Path) -> Path:
    path = folder / "a.h5"
    with h5py.File(path, "w") as file:
        file["entry/data/data"] = np.random.default_rng(1).poisson(3, (2, 50, 80)).astype(np.uint16)
        bits = np.zeros((50, 80), np.uint16)
        bits[3, 4], bits[5, 6] = 0b001, 0b100
        file["masks/pixels"] = bits
    return path


def hidden(path: Path, described: Path) -> list[list[int]]:
    found: list[list[int]] = np.argwhere(open_run(path, geometry=described)[0].mask).tolist()
    return found


def test_without_bits_every_number_but_zero_is_bad(tmp_path: Path) -> None:
    assert hidden(images(tmp_path), geometry(tmp_path, "mask = /masks/pixels")) == [[3, 4], [5, 6]]


def test_only_the_bad_bits_count(tmp_path: Path) -> None:
    keys = ("mask0_data = /masks/pixels", "mask0_badbits = 0x4")
    assert hidden(images(tmp_path), geometry(tmp_path, *keys)) == [[5, 6]]


def test_all_good_bits_must_be_set(tmp_path: Path) -> None:
    keys = ("mask0_data = /masks/pixels", "mask0_badbits = 0", "mask0_goodbits = 0x1")
    found = hidden(images(tmp_path), geometry(tmp_path, *keys))
    assert len(found) == 50 * 80 - 1 and [3, 4] not in found


def test_a_mask_of_its_own_file_lies_beside_the_geometry(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        bits = np.zeros((1, 50, 80), np.uint8)  # panels, slow, fast
        bits[0, 9, 9] = 1
        file["mask"] = bits
    keys = ("mask0_data = /mask", "mask0_file = bad.h5", "mask1_data = /masks/pixels")
    assert hidden(images(tmp_path), geometry(tmp_path, *keys)) == [[3, 4], [5, 6], [9, 9]]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["mask = /masks/%/pixels"], "a mask of each frame cannot be read"),
        (["mask0_data = /mask", "mask0_badbits = many"], "'many' are not bits"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, keys: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_geometry(geometry(tmp_path, *keys))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["mask = /masks/none"], "no mask '/masks/none'"),
        (["mask = /entry/data/data"], "has 2 x 50 x 80 pixels, the frames 50 x 80"),
        (["mask = /mask", "mask_file = none.h5"], "none.h5: no mask"),
    ],
)
def test_a_missing_mask_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], keys: list[str], said: str
) -> None:
    arguments = [
        str(images(tmp_path)),
        "--geometry",
        str(geometry(tmp_path, *keys)),
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(["screen", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error
