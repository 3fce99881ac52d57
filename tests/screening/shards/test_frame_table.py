"""The tables of a shard: read back, every verdict is as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fedbragg.errors import InputError
from fedbragg.screening.shards.frame_table import frame_files, frames_in
from fedbragg.types import Spot, Verdict

SPOTS = (Spot(12, 7, 103.5, 9.25), Spot(3, 40, 20, 5.5))
VERDICTS = [
    Verdict("a.h5", 0, 0.987654321, True, "", 0.1235, SPOTS, "data_000001//0", 2, 1.93),
    Verdict("a.h5", 1, 0.25, False, "", 2.5, SPOTS[:1], "data_000001//1", 1, 2.1),
    Verdict("a,b.cbf", 0, None, True, 'cut "short", by\nhalf'),
    Verdict(os.fsdecode(b"\xff.cbf"), 0, 0.5, False, "", None, (), "", 0),
]


def written(folder: Path, *, spots: bool) -> Path:
    with frame_files(folder, spots=spots) as files:
        for verdict in VERDICTS:
            files.write(verdict)
    return folder


def test_every_frame_is_read_back_with_its_event_and_spots_kept_or_not(tmp_path: Path) -> None:
    assert list(frames_in(written(tmp_path, spots=True), 4, spots=True)) == VERDICTS


def test_without_spots_there_is_no_table_of_spots(tmp_path: Path) -> None:
    folder = written(tmp_path, spots=False)
    assert {path.name for path in folder.iterdir()} == {"frames.csv"}
    read = list(frames_in(folder, 3, spots=False))
    assert [(v.event, v.spot_count, v.spots) for v in read] == [
        ("data_000001//0", 2, ()),
        ("data_000001//1", 1, ()),
        ("", None, ()),
    ]


@pytest.mark.parametrize(
    ("name", "old", "new", "line"),
    [
        ("frames.csv", ",true,", ",true", 2),
        ("frames.csv", "0.987654", "high", 2),
        ("frames.csv", "a.h5,1,", "a.h5,one,", 3),
        ("spots.csv", "a.h5,1,", "a.h5,2,", 3),
        ("spots.csv", "103.5", "", 2),
    ],
)
def test_a_damaged_table_is_reported_with_its_line(
    tmp_path: Path, name: str, old: str, new: str, line: int
) -> None:
    path = written(tmp_path, spots=True) / name
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode(), 1))
    message = rf"frames\.csv: damaged in line {line}\. Screen this shard again\."
    with pytest.raises(InputError, match=message):
        list(frames_in(tmp_path, 4, spots=True))


def test_fewer_rows_than_frames_are_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="damaged in line"):
        list(frames_in(written(tmp_path, spots=True), 5, spots=True))
