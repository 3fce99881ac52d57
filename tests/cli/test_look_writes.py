"""The files that `fedbragg look` writes, and its errors where it cannot."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fedbragg.cli import main
from fedbragg.images import write_run
from fedbragg.types import Geometry


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """One frame with nine equal spots of 3 x 3 pixels on a Poisson background."""
    counts = np.random.default_rng(3).poisson(2, (160, 160)).astype(np.uint16)
    for row in (30, 80, 130):
        for column in (30, 80, 130):
            counts[row - 1 : row + 2, column - 1 : column + 2] += 40
            counts[row, column] += 100
    write_run(tmp_path / "run.h5", [counts], geometry=Geometry())
    return tmp_path / "run.h5"


def test_the_table_lists_the_spots_and_its_folder_is_made(run: Path, tmp_path: Path) -> None:
    table = tmp_path / "new" / "spots.csv"
    assert main(["look", f"{run}:0", "--out", str(tmp_path / "a.jpg"), "--table", str(table)]) == 0
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) == {"column", "row", "intensity", "significance"}
    places = {(int(row["column"]), int(row["row"])) for row in rows}
    assert places <= {(column, row) for column in (30, 80, 130) for row in (30, 80, 130)}
    assert places  # how many of them the model marks does not matter here


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("a.JPEG", "JPEG"), ("a.webp", "WEBP")])
def test_the_picture_is_of_the_kind_that_its_name_says(
    run: Path, tmp_path: Path, name: str, kind: str
) -> None:
    assert main(["look", f"{run}:0", "--out", str(tmp_path / name)]) == 0
    with Image.open(tmp_path / name) as picture:
        assert picture.format == kind and picture.width >= 150


def test_a_picture_of_an_unknown_kind_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["look", f"{run}:0", "--out", str(tmp_path / "a.bmp")]) == 2
    assert "give a name that ends with .jpg, .jpeg, .png, .webp" in capsys.readouterr().err


def test_the_resolution_is_said_where_the_geometry_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Spots 20 to 68 pixels of 0.1 mm from the beam, 50 mm away; a tenth of them lies beyond the d that is said."""
    counts = np.random.default_rng(3).poisson(2, (160, 160)).astype(np.uint16)
    angles, radii = np.linspace(0, 2 * np.pi, 12, endpoint=False), np.linspace(20, 68, 12)
    for angle, radius in zip(angles, np.roll(radii, 5), strict=True):
        row, column = round(80 + radius * np.sin(angle)), round(80 + radius * np.cos(angle))
        counts[row - 1 : row + 2, column - 1 : column + 2] += 60
        counts[row, column] += 200
    geometry = Geometry(wavelength=1.0, distance=0.05, beam_centre=(80, 80), pixel_size=(1e-4, 1e-4))
    write_run(tmp_path / "run.h5", [counts], geometry=geometry)
    assert main(["look", f"{tmp_path / 'run.h5'}:0", "--out", str(tmp_path / "a.jpg")]) == 0
    said = re.search(r"spots to (\S+) Å", capsys.readouterr().out)
    inverse = 2 * np.sin(np.arctan(radii * 1e-4 / 0.05) / 2)  # 1 / d of wavelength 1, by Bragg's law
    assert said and float(said[1]) == pytest.approx(1 / np.quantile(inverse, 0.9), rel=0.05)


@pytest.mark.parametrize("option", ["--out", "--table"])
def test_a_file_that_cannot_be_written_is_one_line(
    run: Path, tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    others = [] if option == "--out" else ["--out", str(tmp_path / "a.jpg")]
    assert main(["look", str(run), option, str(tmp_path / "file" / "x.jpg"), *others]) == 2
    assert f"Give another {option}." in capsys.readouterr().err
