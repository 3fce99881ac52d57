"""Shards, one of them in processes that are stopped and killed: merged, they are what one machine writes."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from commands import FEDBRAGG, done, refused

from fedbragg.images import write_run
from fedbragg.types import Geometry

pytestmark = pytest.mark.slow
FRAMES = 603
BRIGHT = range(270, 430)
"""Frames that are unlike the calibration; the alarm begins in the second of three shards and goes on in the third."""
GEOMETRY = Geometry("made for a test", 1.0, 0.1, (40.0, 40.0), (1e-4, 1e-4))
OUTPUTS = (
    "--table",
    "verdicts.parquet",
    "--nxmx",
    "hits.nxs",
    "--cxi",
    "hits.cxi",
    "--grid",
    "9x67",
    "--snake",
)
WRITTEN = {
    *("verdicts.csv", "hits.lst", "spots.csv", "verdicts.parquet", "hits.nxs", "hits.cxi"),
    *("report.html", "screening.json"),
}


def counts(seed: int, frames: range) -> Iterator[np.ndarray]:
    """Every fourth frame has spots; the bright ones have six times the background."""
    rng = np.random.default_rng(seed)
    empty = {level: rng.poisson(level, (16, 80, 80)).astype(np.uint16) for level in (1, 6)}
    for index in frames:
        level = 6 if index in BRIGHT else 1
        made = empty[level][index % 16].copy()
        for row, col in rng.integers(8, 72, (12, 2)) if index % 4 == 0 else ():
            made[row - 1 : row + 2, col - 1 : col + 2] += np.uint16(20 * level)
            made[row, col] += np.uint16(60 * level)
        yield made


@dataclass(frozen=True)
class Visit:
    """A run, a model that is calibrated for most of it, and the run screened on one machine."""

    folder: Path

    @property
    def run(self) -> Path:
        return self.folder / "run.h5"

    @property
    def whole(self) -> Path:
        return self.folder / "whole"

    def arguments(self, out: Path, *more: str) -> list[str]:
        given = (
            "screen",
            self.run,
            "--model",
            self.folder / "calibrated.onnx",
            "--threads",
            "1",
            "--out",
            out,
        )
        return [*map(str, given), *OUTPUTS, *more]


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Visit:
    visit = Visit(tmp_path_factory.mktemp("visit"))
    labelled, labels = visit.folder / "labelled.h5", visit.folder / "labels.csv"
    write_run(visit.run, counts(1, range(FRAMES)), geometry=GEOMETRY)
    write_run(labelled, counts(2, range(1000, 1300)), geometry=GEOMETRY)
    rows = [f"{labelled},{index},{'hit' if index % 4 == 0 else 'miss'}\n" for index in range(300)]
    labels.write_text("path,frame,label\n" + "".join(rows))
    model = ("--max-loss", "0.05", "--out", visit.folder / "calibrated.onnx")
    done("calibrate", labelled, "--labels", labels, *model)
    said = done(*visit.arguments(visit.whole))
    assert "drift       frames 3" in said
    return visit


def ended_by(number: int, arguments: Sequence[str], part: Path) -> subprocess.CompletedProcess[str]:
    """Start a shard, and send it a signal when its table is longer than its checkpoint says."""
    table = part / "frames.csv"
    before = table.stat().st_size if table.exists() else 100
    with subprocess.Popen(
        [str(FEDBRAGG), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None and (not table.exists() or table.stat().st_size <= before):
            time.sleep(0.005)
        process.send_signal(number)
        said, errors = process.communicate(timeout=100)
    return subprocess.CompletedProcess(arguments, process.returncode, said, errors)


def frames_done(part: Path) -> int:
    return int(json.loads((part / "screening.json").read_text())["done"])


def content(path: Path) -> Any:
    """Return the bytes of a result, without the seconds that it took."""
    if path.name == "report.html":
        text, found = re.subn(r"<b>[\d.]+</b><span>frames/s<", "", path.read_text(encoding="utf-8"))
        assert found == 1
        return text
    if path.name == "screening.json":
        return {**json.loads(path.read_text()), "seconds": 0}
    return path.read_bytes()


def check_same(folder: Path, whole: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {path.name for path in whole.iterdir()}
    for path in whole.iterdir():
        assert content(folder / path.name) == content(path), path.name


def test_three_shards_one_of_them_stopped_and_killed_are_merged_into_what_one_machine_writes(
    visit: Visit, tmp_path: Path
) -> None:
    parts = [visit.folder / f"part_{number}" for number in (1, 2, 3)]
    given = [visit.arguments(part, "--resume", "--shard", f"{i}/3") for i, part in enumerate(parts, 1)]
    stopped = ended_by(signal.SIGTERM, given[1], parts[1])
    assert stopped.returncode == 143, stopped.stderr
    frames = frames_done(parts[1])
    assert 0 < frames < 201
    assert stopped.stderr == (
        f"fedbragg: stopped after {frames} of 201 frames; their results are complete in {parts[1]}. "
        "To continue, give the same command with --resume.\n"
    )
    line = refused("merge", parts[1], "--out", tmp_path / "merged")
    assert line.endswith(" frames. Run its command again with --resume.")
    killed = ended_by(signal.SIGKILL, given[1], parts[1])
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert frames <= frames_done(parts[1]) <= 201  # all, where it was killed just after its last frame
    done(*given[0])
    said = done(*given[2])
    assert "shard       3/3: frames 402 to 602 of 603\n" in said
    assert "drift" not in said.replace("which watches drift", "")
    done(*given[1])
    merged = visit.folder / "merged"  # beside the other, so that relative paths to the images are the same
    said = done("merge", *parts[::-1], "--out", merged)
    check_same(merged, visit.whole)
    assert {path.name for path in merged.iterdir()} == WRITTEN
    assert re.search(r"^drift +frames 3\d\d to the end: ", said, re.M)  # across the border at frame 402
    with (merged / "verdicts.csv").open() as table:
        reasons = [row["reason"] for row in csv.DictReader(table)]
    assert "run is out of the calibrated range since its frame 3" in reasons[501]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of seven frames, and both halves of its screening."""
    folder = tmp_path_factory.mktemp("short")
    write_run(folder / "run.h5", counts(3, range(7)), geometry=GEOMETRY)
    for number in (1, 2):
        said = done(*shard_of(folder / "run.h5", folder / str(number), f"{number}/2"))
        assert f"written     {folder / str(number) / 'frames.csv'}" in said
    return folder


def shard_of(run: Path | str, out: Path | str, shard: str, *more: str | Path) -> list[str]:
    return ["screen", str(run), "--out", str(out), "--threads", "1", "--shard", shard, *map(str, more)]


def test_the_folders_say_what_they_hold(short: Path) -> None:
    record = json.loads((short / "2" / "shard.json").read_text())
    assert record["shard"] == {"number": 2, "count": 2}
    assert (record["first"], record["stop"], record["frames"]) == (3, 7, 7)
    assert record["request"]["paths"] == [str(short / "run.h5")]
    assert json.loads((short / "2" / "screening.json").read_text())["identity"]["shard"] == "2/2"


def test_shards_that_do_not_fit_are_refused(short: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    assert refused("merge", short / "1", *out) == (
        "frames 3 to 6 of the run's 7 are in no folder given (--shard 2/2). Screen them, or give their folders too."
    )
    assert "both hold frames 0 to 2 of the run" in refused("merge", short / "1", short / "1", *out)
    assert refused("merge", short, *out) == (
        f"{short}: holds no shard. Give the folders of `fedbragg screen --shard`."
    )
    done(*shard_of(short / "run.h5", tmp_path / "other", "2/2", "--threshold", "0.9"))
    assert "different: the threshold. " in refused("merge", short / "1", tmp_path / "other", *out)
    write_run(tmp_path / "run.h5", counts(4, range(7)), geometry=GEOMETRY)
    done(*shard_of(tmp_path / "run.h5", tmp_path / "other", "2/2"))
    assert "different: the files. " in refused("merge", short / "1", tmp_path / "other", *out)
    assert not (tmp_path / "out").exists()


def test_a_malformed_shard_is_refused_before_any_work(short: Path, tmp_path: Path) -> None:
    line = refused(*shard_of(short / "run.h5", tmp_path / "out", "3/2"))
    assert line == "--shard 3/2: there is no such part. Count them from 1/N to N/N."
    line = refused(*shard_of(short / "run.h5", tmp_path / "out", "2/2", "--grid", "2x2"))
    assert line.startswith("--grid 2x2: 2 x 2 is 4, but the run has 7 frames.")
    assert not (tmp_path / "out").exists()


def test_the_results_do_not_go_into_a_shard(short: Path) -> None:
    line = refused("merge", short / "1", short / "2", "--out", short / "2")
    assert line == f"--out {short / '2'}: holds a shard. Give another folder."
    assert (short / "2" / "frames.csv").exists()


def test_another_shard_is_not_resumed(short: Path) -> None:
    line = refused(*shard_of(short / "run.h5", short / "1", "2/2", "--resume"))
    assert line.startswith(f"{short / '1'}: cannot be resumed, because --shard changed.")
    line = refused("screen", short / "run.h5", "--out", short / "1", "--resume")
    assert line.startswith(f"{short / '1'}: cannot be resumed, because --shard changed.")


def test_a_run_that_changed_since_is_refused(tmp_path: Path) -> None:
    run, part = tmp_path / "run.h5", tmp_path / "part"
    write_run(run, counts(3, range(7)), geometry=GEOMETRY)
    done(*shard_of(run, part, "1/1"))
    with h5py.File(run, "a") as file:
        file["more"] = np.zeros(100)
    line = refused("merge", part, "--out", tmp_path / "out")
    assert line == (
        f"{part}: cannot be merged, because the files changed since it was screened. "
        "Put back what was there, or screen the shards again."
    )


def test_relative_paths_are_merged_where_they_lead_to_the_run(short: Path, tmp_path: Path) -> None:
    done(*shard_of("run.h5", tmp_path / "part", "1/1"), folder=short)
    line = refused("merge", tmp_path / "part", "--out", tmp_path / "out", folder=tmp_path)
    assert line == (
        "run.h5: no such file or folder. Check the path, and that its disk is mounted. "
        f"The shards were screened in {short}: merge them there."
    )
    done("merge", tmp_path / "part", "--out", tmp_path / "out", folder=short)
    assert (tmp_path / "out" / "verdicts.csv").read_text().splitlines()[1].startswith("run.h5,0,")


def test_unreadable_frames_are_kept_and_give_the_same_exit_codes(tmp_path: Path) -> None:
    """The second half of the run cannot be read at all, which is a mistake of the user only if it is the whole run."""
    run = tmp_path / "run"
    run.mkdir()
    write_run(run / "1.h5", counts(3, range(3)), geometry=GEOMETRY)
    for name in ("2.cbf", "3.cbf"):
        (run / name).write_bytes(b"no CBF")
    done(*shard_of(run, tmp_path / "a", "1/2"))
    said = done(*shard_of(run, tmp_path / "b", "2/2"), code=3)
    assert "unreadable  2 (kept)" in said
    said = done("merge", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "merged", code=3)
    assert "unreadable  2 (kept)" in said
    done("screen", run, "--out", tmp_path / "whole", "--threads", "1", code=3)
    check_same(tmp_path / "merged", tmp_path / "whole")


TWO_PANELS = """
photon_energy = 12398.42 eV
clen = 0.1
res = 10000
data = /entry/data/data
left/min_fs = 0
left/max_fs = 39
left/corner_x = -40
right/min_fs = 40
right/max_fs = 79
right/corner_x = 0
""" + "".join(
    f"{name}/min_ss = 0\n{name}/max_ss = 79\n{name}/corner_y = -40\n{name}/fs = x\n{name}/ss = y\n"
    for name in ("left", "right")
)


@pytest.mark.parametrize(
    ("files", "options"),
    [
        ("run.h5", ("--nxmx", "hits.nxs", "--copy", "--geometry", "two.geom", "--threshold", "0")),
        ("*.npy", ("--panels", "--grid", "1x3", "--no-fail-safe")),
    ],
)
def test_every_option_of_the_shards_is_that_of_the_whole(
    tmp_path: Path, files: str, options: tuple[str, ...]
) -> None:
    """Paths are relative; the images of the second case are stacks of two panels, which without --panels are six."""
    write_run(tmp_path / "run.h5", counts(3, range(7)), geometry=Geometry())
    (tmp_path / "two.geom").write_text(TWO_PANELS)
    for number, image in enumerate(counts(5, range(3))):
        np.save(tmp_path / f"{number}.npy", np.stack([image, image]))
    done("screen", files, "--out", "whole", *options, folder=tmp_path)
    for number in (1, 2):
        done("screen", files, "--out", str(number), "--shard", f"{number}/2", *options, folder=tmp_path)
    done("merge", "2", "1", "--out", "merged", folder=tmp_path)
    check_same(tmp_path / "merged", tmp_path / "whole")


def test_merged_results_are_resumed_as_those_of_one_machine(short: Path, tmp_path: Path) -> None:
    """So a file of hits that was forgotten can be written later."""
    done(*shard_of(short / "run.h5", tmp_path / "part", "1/1", "--threshold", "0"))
    done("merge", tmp_path / "part", "--out", tmp_path / "out")
    assert not (tmp_path / "out" / "hits.nxs").exists()
    given = ("screen", short / "run.h5", "--threshold", "0", "--out", tmp_path / "out")
    said = done(*given, "--resume", "--nxmx", "hits.nxs")
    assert f"{tmp_path / 'out' / 'hits.nxs'}, 7 images in place" in said


def test_a_run_without_a_hit_for_the_files_of_hits_says_how_to_go_on(short: Path, tmp_path: Path) -> None:
    more = ("--nxmx", "hits.nxs", "--threshold", "1")
    done(*shard_of(short / "run.h5", tmp_path / "part", "1/1", *more))
    out = tmp_path / "out"
    line = refused("merge", tmp_path / "part", "--out", out)
    assert line == (
        "there is no hit to write: leave out --nxmx and --cxi, or lower --threshold. "
        f"The tables are complete: `fedbragg screen` continues with --resume --out {out}."
    )
    done("screen", short / "run.h5", "--threshold", "1", "--resume", "--out", out)
    assert (out / "report.html").exists()


def test_a_whole_screening_removes_the_files_of_a_shard(short: Path, tmp_path: Path) -> None:
    done(*shard_of(short / "run.h5", tmp_path, "1/2"))
    done("screen", short / "run.h5", "--out", tmp_path, "--threads", "1")
    assert {path.name for path in tmp_path.iterdir()} == {
        *("verdicts.csv", "hits.lst", "report.html", "screening.json")
    }
