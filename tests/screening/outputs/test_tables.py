"""The tables of a screening, byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fedbragg.errors import InputError
from fedbragg.screening.outputs.spot_table import spots_in
from fedbragg.screening.outputs.tables import read_verdicts, verdict_files, verdicts_in
from fedbragg.types import Spot, Verdict

VERDICTS = [
    Verdict("/data/run_1.h5", 0, 0.987654321, True, background=0.123456, spot_count=31, resolution=1.9321),
    Verdict("/data/run_1.h5", 1, 0.0, False, spot_count=0),
    Verdict("/data/run_1.h5", 2, None, True, "chunk is gone"),
    Verdict("images/a,b.cbf", 0, 1.0, True, background=float("nan")),
    Verdict("images/c.cbf.gz", 0, 0.25, False),
]


def written(folder: Path) -> tuple[str, str]:
    with verdict_files(folder) as files:
        for verdict in VERDICTS:
            files.write(verdict)
    return (folder / "verdicts.csv").read_text("utf-8"), (folder / "hits.lst").read_text("utf-8")


def test_the_tables_have_the_documented_content(tmp_path: Path) -> None:
    table, kept = written(tmp_path / "new" / "folder")
    assert table == (
        "path,frame,score,keep,background,spots,resolution,reason\n"
        "/data/run_1.h5,0,0.987654,true,0.1235,31,1.93,\n"
        "/data/run_1.h5,1,0.000000,false,,0,,\n"
        "/data/run_1.h5,2,,true,,,,chunk is gone\n"
        '"images/a,b.cbf",0,1.000000,true,,,,\n'
        "images/c.cbf.gz,0,0.250000,false,,,,\n"
    )
    assert kept == "/data/run_1.h5 //0\n/data/run_1.h5 //2\nimages/a,b.cbf\n"


def test_the_table_is_read_back(tmp_path: Path) -> None:
    table, _ = written(tmp_path)
    read = list(read_verdicts(table.splitlines()))
    assert [(v.path, v.index, v.keep) for v in read] == [(v.path, v.index, v.keep) for v in VERDICTS]
    assert [v.score for v in read] == [0.987654, 0.0, None, 1.0, 0.25]
    assert [v.background for v in read] == [0.1235, None, None, None, None]
    assert [v.reason for v in read] == ["", "", "chunk is gone", "", ""]
    assert [v.spot_count for v in read] == [31, 0, None, None, None]
    assert [v.resolution for v in read] == [1.93, None, None, None, None]


def test_a_table_of_an_earlier_version_is_read() -> None:
    (read,) = read_verdicts(["path,frame,score,keep,background,reason", "a.h5,0,0.5,true,1.5,"])
    assert (read.score, read.background, read.spot_count, read.resolution) == (0.5, 1.5, None, None)


def test_a_name_that_is_not_utf8_is_read_back_unchanged(tmp_path: Path) -> None:
    """Linux allows any bytes in a file name."""
    name = os.fsdecode(b"/data/gr\xfcn.cbf")  # Latin-1
    with verdict_files(tmp_path, spots=True) as files:
        files.write(Verdict(name, 0, 0.9, keep=True, spots=(Spot(3, 4, 50, 9),)))
    assert (tmp_path / "hits.lst").read_bytes() == b"/data/gr\xfcn.cbf\n"
    assert [verdict.path for verdict in verdicts_in(tmp_path)] == [name]
    assert [path for path, _, _ in spots_in(tmp_path)] == [name]


def test_an_interrupted_screening_leaves_complete_rows(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), verdict_files(tmp_path) as files:
        files.write(VERDICTS[0])
        raise KeyboardInterrupt
    assert (tmp_path / "verdicts.csv").read_text("utf-8").count("\n") == 2
    assert (tmp_path / "hits.lst").read_text("utf-8") == "/data/run_1.h5 //0\n"


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"file: cannot write there .*Give another --out"):
        written(tmp_path / "file")
