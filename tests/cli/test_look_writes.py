"""The files that `fedbragg look` writes, and its errors where it cannot."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

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


@pytest.mark.parametrize("option", ["--out", "--table"])
def test_a_file_that_cannot_be_written_is_one_line(
    run: Path, tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    others = [] if option == "--out" else ["--out", str(tmp_path / "a.jpg")]
    assert main(["look", str(run), option, str(tmp_path / "file" / "x"), *others]) == 2
    assert f"Give another {option}." in capsys.readouterr().err
