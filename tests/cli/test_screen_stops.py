"""A screening in its own process that is stopped, killed and resumed: nothing is lost, nothing is there twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from commands import FEDBRAGG, Trained, done, refused

from fedbragg.images import write_run
from fedbragg.types import Geometry

pytestmark = pytest.mark.slow
FRAMES = 1600
TABLES = ("verdicts.csv", "hits.lst", "spots.csv", "verdicts.parquet")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seconds of work for one thread; every fourth frame has spots."""
    path = tmp_path_factory.mktemp("long") / "run.h5"
    rng = np.random.default_rng(1)
    empty = rng.poisson(1, (32, 200, 200)).astype(np.uint16)

    def frames() -> Any:
        for index in range(FRAMES):
            counts = empty[index % 32].copy()
            for row, col in rng.integers(10, 190, (20, 2)) if index % 4 == 0 else ():
                counts[row - 1 : row + 2, col - 1 : col + 2] += 30
            yield counts

    write_run(path, frames(), geometry=Geometry(wavelength=1.0, distance=0.1))
    return path


def arguments(run: Path, trained: Trained, out: Path) -> list[str | Path]:
    outputs = [
        "--table",
        "verdicts.parquet",
        "--nxmx",
        "hits.nxs",
        "--cxi",
        "hits.cxi",
        "--grid",
        "40x40",
        "--threads",
        "1",
    ]
    return ["screen", run, "--model", trained.model, "--out", out, "--threshold", "0.3", *outputs]


@pytest.fixture(scope="module")
def whole(run: Path, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same screening, never stopped."""
    out = tmp_path_factory.mktemp("whole") / "out"
    done(*arguments(run, trained, out))
    return out


def ended_by(number: int, given: list[str | Path], out: Path, after: int) -> subprocess.CompletedProcess[str]:
    """Start a screening, and send it a signal when its checkpoint has more than so many frames."""
    with subprocess.Popen(
        [str(FEDBRAGG), *map(str, given)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 100
        while frames_in_checkpoint(out) <= after and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(number)
        output, errors = process.communicate(timeout=150)
    return subprocess.CompletedProcess(given, process.returncode, output, errors)


WRITING = """
import os, signal, sys, time
from fedbragg.cli import main
from fedbragg.screening.outputs.requested import Outputs
def write(*_):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
Outputs.write = write
sys.exit(main())
"""


def test_ctrl_c_while_the_files_of_hits_are_written_says_how_to_continue(
    run: Path, trained: Trained, whole: Path, tmp_path: Path
) -> None:
    given = [str(part) for part in arguments(run, trained, tmp_path / "out")]
    stopped = subprocess.run([sys.executable, "-c", WRITING, *given], capture_output=True, text=True)
    assert (stopped.returncode, stopped.stderr.count("\n")) == (130, 1)
    assert f"stopped after {FRAMES} of {FRAMES} frames" in stopped.stderr
    assert "--resume" in stopped.stderr
    done(*given, "--resume")
    for table in TABLES:
        assert (tmp_path / "out" / table).read_bytes() == (whole / table).read_bytes()


def frames_in_checkpoint(out: Path) -> int:
    try:
        return int(json.loads((out / "screening.json").read_text())["done"])
    except FileNotFoundError:
        return 0


def check_same(out: Path, whole: Path) -> None:
    for name in TABLES:
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name
    for name in ("hits.nxs", "hits.cxi"):
        assert contents(out / name) == contents(whole / name), name


def contents(path: Path) -> dict[str, Any]:
    """Return every dataset of a file."""
    found: dict[str, Any] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: _plain(item)}) if isinstance(item, h5py.Dataset) else None
        )
    assert len(found) > 10
    return found


def _plain(item: Any) -> Any:
    value = item[()]
    return (
        value.tolist()
        if isinstance(value, np.ndarray) and value.size < 10_000
        else np.asarray(value).tobytes()
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_complete_results_and_a_line_that_says_how_to_continue(
    run: Path, trained: Trained, whole: Path, tmp_path: Path, number: int
) -> None:
    out = tmp_path / "out"
    stopped = ended_by(number, arguments(run, trained, out), out, after=1)
    assert stopped.returncode == 128 + number
    assert stopped.stdout == ""
    assert stopped.stderr.count("\n") == 1
    frames = frames_in_checkpoint(out)
    assert 0 < frames < FRAMES
    assert stopped.stderr == (
        f"fedbragg: stopped after {frames} of {FRAMES} frames; their results are complete in {out}. "
        "To continue, give the same command with --resume.\n"
    )
    rows = (out / "verdicts.csv").read_text().splitlines()
    assert rows == (whole / "verdicts.csv").read_text().splitlines()[: frames + 1]
    kept = [row for row in rows if ",true," in row]
    assert len((out / "hits.lst").read_text().splitlines()) == len(kept)
    with h5py.File(out / "hits.nxs") as file:
        assert len(file["entry/data/data"]) == len(kept)
    assert "it was stopped; continue it with --resume" in (out / "report.html").read_text()
    said = done(*arguments(run, trained, out), "--resume")
    assert f"frames      {FRAMES}" in said
    check_same(out, whole)
    report = (out / "report.html").read_text()
    assert f"{FRAMES} frames screened" in report
    assert f"<b>{FRAMES:,}</b>" in report
    assert "it was stopped" not in report


def test_killed_twice_and_resumed_the_results_are_the_same(
    run: Path, trained: Trained, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        before = frames_in_checkpoint(out)
        killed = ended_by(signal.SIGKILL, [*arguments(run, trained, out), "--resume"], out, after=before)
        assert killed.returncode == -signal.SIGKILL
        rows = (out / "verdicts.csv").read_bytes().count(b"\n")
        assert rows >= frames_in_checkpoint(out) + 1 > before  # the frames of the checkpoint are there
    done(*arguments(run, trained, out), "--resume")
    check_same(out, whole)


def test_without_resume_it_starts_over(run: Path, trained: Trained, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended_by(signal.SIGINT, arguments(run, trained, out), out, after=1)
    assert (out / "hits.nxs").exists()
    said = done("screen", run, "--model", trained.model, "--out", out, "--threshold", "0.3")
    assert f"frames      {FRAMES}" in said
    assert (out / "verdicts.csv").read_bytes() == (whole / "verdicts.csv").read_bytes()
    assert not (out / "hits.nxs").exists()  # which the screening before wrote


def test_a_screening_with_another_threshold_is_not_resumed(run: Path, trained: Trained, whole: Path) -> None:
    line = refused("screen", run, "--model", trained.model, "--out", whole, "--resume", "--cxi", "hits.cxi")
    assert line == (
        f"{whole}: cannot be resumed, because the threshold changed. Start again without --resume, or give another "
        "--out."
    )
