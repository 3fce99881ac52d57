"""The files asked for beside the tables: refused before any work where impossible, and complete or absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from example_runs import nxmx_run, screen

from fedbragg.errors import ConfigError, InputError, MissingExtraError
from fedbragg.screening.outputs.requested import Outputs
from fedbragg.screening.outputs.tables import verdicts_in


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (Outputs(table=Path("t.csv")), r"--table t\.csv: give a name that ends in \.parquet"),
        (Outputs(nxmx=Path("h.cxi")), r"--nxmx h\.cxi: give a name that ends in \.nxs or"),
        (Outputs(cxi=Path("h.h5")), r"--cxi h\.h5: give a name that ends in \.cxi"),
        (Outputs(copy=True), "--copy applies to --nxmx and --cxi only"),
        (Outputs(table=Path("t.parquet"), copy=True), "--copy applies"),
        (Outputs(nxmx=Path("a/run.h5")), r"run\.h5: is one of the images to screen"),
        (Outputs(nxmx=Path("x/../a/run.h5"), copy=True), "is one of the images to screen"),
    ],
)
def test_impossible_outputs_are_refused(
    outputs: Outputs, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nxmx_run(tmp_path / "a" / "run.h5", 1)
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        outputs.check(["a/run.h5"])


def test_pointing_needs_hdf5_and_copying_does_not(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((40, 40), np.uint16))
    nxmx_run(tmp_path / "b.dat", 1)  # HDF5 by its first bytes
    with pytest.raises(
        ConfigError, match=r"h\.nxs: cannot point into .*a\.npy, which is not HDF5\. Add --copy"
    ):
        Outputs(nxmx=tmp_path / "h.nxs").check([str(tmp_path / "b.dat"), str(tmp_path / "a.npy")])
    Outputs(nxmx=tmp_path / "h.nxs").check([str(tmp_path / "b.dat")])
    Outputs(cxi=tmp_path / "h.cxi", copy=True).check([str(tmp_path / "a.npy")])


def test_names_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    name = "gr\udcfcn.h5"  # Latin-1, as Python gives it
    with pytest.raises(ConfigError, match=r"gr\?n\.h5: its name is not UTF-8"):
        Outputs(table=tmp_path / "t.parquet").check([name])
    Outputs().check([name])


def test_relative_names_are_in_the_folder_of_results(tmp_path: Path) -> None:
    outputs = Outputs(Path("t.parquet"), tmp_path / "h.nxs", None).within(Path("out"))
    assert outputs.paths() == [Path("out/t.parquet"), tmp_path / "h.nxs"]


def test_without_pyarrow_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedbragg.extras.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'fedbragg\[parquet\]'"):
        Outputs(table=Path("t.parquet")).check([])


def test_parquet_holds_the_table(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / 'a "run", 1.h5', 12)
    run, _ = screen([path], tmp_path / "out")
    with (tmp_path / "out" / "verdicts.csv").open("a") as table:
        table.write('"a,\nb.cbf",0,,true,,,,"gone, for good"\n')
    lines = Outputs(table=tmp_path / "t.parquet").write(tmp_path / "out", run)
    assert lines == [str(tmp_path / "t.parquet")]
    rows = pq.read_table(tmp_path / "t.parquet").to_pylist()
    wanted = [
        {
            "path": v.path,
            "frame": v.index,
            "score": v.score,
            "keep": v.keep,
            "background": v.background,
            "spots": v.spot_count,
            "resolution": v.resolution,
            "reason": v.reason,
        }
        for v in verdicts_in(tmp_path / "out")
    ]
    assert len(rows) == 13
    assert rows == wanted
    assert rows[-1]["path"] == "a,\nb.cbf"
    assert rows[-1]["score"] is None


def test_an_output_is_replaced_only_when_it_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an error the old file is there, and no unfinished one."""
    path = nxmx_run(tmp_path / "run.h5", 6)
    run, _ = screen([path], tmp_path / "out")
    (tmp_path / "out" / "hits.nxs").write_text("from before")
    path.unlink()
    with pytest.raises(InputError):
        Outputs(nxmx=tmp_path / "out" / "hits.nxs", copy=True).write(tmp_path / "out", run)
    assert (tmp_path / "out" / "hits.nxs").read_text() == "from before"
    assert not [file for file in (tmp_path / "out").iterdir() if file.name.endswith(".unfinished")]


def test_an_output_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    run, _ = screen([nxmx_run(tmp_path / "run.h5", 3)], tmp_path / "out")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"t\.parquet: cannot be written"):
        Outputs(table=tmp_path / "file" / "t.parquet").write(tmp_path / "out", run)
