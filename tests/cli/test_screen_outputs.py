"""``fedbragg screen`` on a run with every kind of unreadable frame, and its outputs."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import fabio.cbfimage
import h5py
import numpy as np
import pytest
from commands import Trained, done, refused

from fedbragg.images import open_run, write_run
from fedbragg.types import Geometry

pytestmark = pytest.mark.slow


def counts_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).poisson(2, (96, 128)).astype(np.int32)


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Nine frames that can be scored, among six that cannot, each for another reason."""
    folder = tmp_path / "run"
    folder.mkdir()
    write_run(folder / "1_good.h5", (counts_of(seed) for seed in range(4)), geometry=Geometry())
    write_run(folder / "2_chunks.h5", (counts_of(seed) for seed in range(5)), geometry=Geometry())
    with h5py.File(folder / "2_chunks.h5", "r+") as file:
        for index in (1, 3):
            file["entry/data/data"].id.write_direct_chunk((index, 0, 0), b"\0" * 40)
    write_run(folder / "3_cut.h5", (counts_of(seed) for seed in range(5)), geometry=Geometry())
    content = (folder / "3_cut.h5").read_bytes()
    (folder / "3_cut.h5").write_bytes(content[: len(content) // 2])
    fabio.cbfimage.CbfImage(data=counts_of(1)).write(str(folder / "4_cut.cbf"))
    content = (folder / "4_cut.cbf").read_bytes()
    (folder / "4_cut.cbf").write_bytes(content[: len(content) // 2])
    np.save(folder / "5_fractions.npy", counts_of(1) + 0.5)
    nans = counts_of(1).astype(np.float32)
    nans[10:20, 10:20] = np.nan  # pixels without a measurement: masked, and the frame is read
    np.save(folder / "6_nan.npy", nans)
    np.save(folder / "7_small.npy", counts_of(1)[:10, :10])
    np.save(folder / "8_shape.npy", counts_of(1)[:64, :64])  # another detector: read and scored like any
    return folder


def test_unreadable_frames_are_kept_and_counted(damaged: Path, trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = done("screen", damaged, "--model", trained.model, "--out", out, code=3)
    with (out / "verdicts.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    unread = {(Path(row["path"]).name, row["frame"]): row["reason"] for row in rows if not row["score"]}
    assert sorted(unread) == [
        ("2_chunks.h5", "1"),
        ("2_chunks.h5", "3"),
        ("3_cut.h5", "0"),
        ("4_cut.cbf", "0"),
        ("7_small.npy", "0"),
    ]
    assert all(reason.endswith(".") or "too small" in reason for reason in unread.values())
    assert all(row["keep"] == "true" for row in rows if not row["score"])
    assert f"frames      {len(rows)}" in said
    assert f"unreadable  {len(unread)} (kept)" in said
    listed = (out / "hits.lst").read_text()
    for name, frame in unread:
        assert re.search(rf"{name}( //{frame})?$", listed, re.M)
    scored = [Path(row["path"]).name for row in rows if row["score"]]
    assert scored == [*["1_good.h5"] * 4, *["2_chunks.h5"] * 3, "5_fractions.npy", "6_nan.npy", "8_shape.npy"]


def test_every_frame_of_a_vanished_file_is_counted(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5", "c.h5"):
        write_run(tmp_path / name, (counts_of(seed) for seed in range(6)), geometry=Geometry())
    run = open_run(tmp_path)
    assert len(run) == 18
    found = []
    for frame in run.map(lambda frame: frame, 1):
        found.append((Path(frame.path).name, frame.index, hasattr(frame, "reason")))
        if len(found) == 1:
            (tmp_path / "b.h5").unlink()
    assert found == [(name, index, name == "b.h5") for name in ("a.h5", "b.h5", "c.h5") for index in range(6)]


def test_hits_of_other_formats_than_hdf5_are_copied(trained: Trained, tmp_path: Path) -> None:
    for index in range(3):
        fabio.cbfimage.CbfImage(data=counts_of(index)).write(str(tmp_path / f"{index}.cbf"))
    given = (
        "screen",
        tmp_path / "*.cbf",
        "--model",
        trained.model,
        "--threshold",
        "0",
        "--out",
        tmp_path / "out",
    )
    line = refused(*given, "--nxmx", "hits.nxs")
    assert line == f"hits.nxs: cannot point into {tmp_path / '0.cbf'}, which is not HDF5. Add --copy."
    assert not (tmp_path / "out").exists()
    said = done(*given, "--nxmx", "hits.nxs", "--cxi", "hits.cxi", "--copy")
    assert f"{tmp_path / 'out' / 'hits.nxs'}, 3 images copied" in said
    for name in ("hits.nxs", "hits.cxi"):
        for index, frame in enumerate(open_run(tmp_path / "out" / name).frames()):
            np.testing.assert_array_equal(frame.counts, counts_of(index))  # type: ignore[union-attr]


def test_files_of_hits_can_be_screened(trained: Trained, tmp_path: Path) -> None:
    """They give the same scores."""
    given = ("--model", trained.model, "--threshold", "0.4")
    done("screen", trained.run, *given, "--out", tmp_path / "a", "--nxmx", "hits.nxs", "--cxi", "hits.cxi")
    with (tmp_path / "a" / "verdicts.csv").open(encoding="utf-8") as file:
        scores = [row["score"] for row in csv.DictReader(file) if row["keep"] == "true"]
    assert len(scores) > 3
    for name in ("hits.nxs", "hits.cxi"):
        done("screen", tmp_path / "a" / name, *given, "--out", tmp_path / "b")
        with (tmp_path / "b" / "verdicts.csv").open(encoding="utf-8") as file:
            assert [row["score"] for row in csv.DictReader(file)] == scores


def test_results_among_the_images_are_not_screened(trained: Trained, tmp_path: Path) -> None:
    """A folder screened into itself can be resumed and started over, without its own hits."""
    write_run(tmp_path / "run.h5", (counts_of(seed) for seed in range(4)), geometry=Geometry())
    given = (
        "screen",
        tmp_path,
        "--model",
        trained.model,
        "--threshold",
        "0",
        "--out",
        tmp_path,
        "--nxmx",
        "h.nxs",
    )
    for more in ((), ("--resume",), ()):
        assert "frames      4" in done(*given, *more)


def test_a_grid_that_does_not_fit_is_refused(trained: Trained, tmp_path: Path) -> None:
    given = ("screen", trained.run, "--model", trained.model, "--out", tmp_path / "out")
    line = refused(*given, "--grid", "5x9")
    assert line == (
        "--grid 5x9: 5 x 9 is 45, but the run has 40 frames. Give rows and columns whose product is the number of "
        "frames."
    )
    assert not (tmp_path / "out").exists()
    done(*given, "--grid", "5x8", "--snake")
    assert "Scores on the grid, 5 rows of 8" in (tmp_path / "out" / "report.html").read_text()
