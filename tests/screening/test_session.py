"""A screening that is stopped anywhere and resumed gives the same results as one that is not."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from example_runs import PEAK_JUDGE, empty_checkpoint, hits_among, interrupt_after, nxmx_run, screen

from fedbragg.errors import InputError
from fedbragg.images import open_run
from fedbragg.screening.checkpoint import resume
from fedbragg.screening.session import Outcome, Session, screen_to_folder

TABLES = ("verdicts.csv", "hits.lst", "spots.csv")


def tables_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in TABLES}


def continue_screening(path: Path, folder: Path, stop_after: int | None = None) -> Outcome:
    """Resume; the process gets a SIGINT after ``stop_after`` frames."""
    run = open_run(path)
    start = resume(folder, empty_checkpoint(run, [str(path)]).identity)
    return screen_to_folder(run, PEAK_JUDGE, Session(folder, 2, start), interrupt_after(stop_after))


def test_the_listed_hits_are_the_frames_with_spots(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 30)
    _, outcome = screen([path], tmp_path / "out")
    assert outcome.tally.frames == 30
    listed = (tmp_path / "out" / "hits.lst").read_text().splitlines()
    assert listed == [f"{path} //{index}" for index in hits_among(30)]


def test_a_screening_stopped_at_any_frame_and_resumed_gives_the_same_results(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 40)
    _, whole = screen([path], tmp_path / "whole")
    stops = []
    outcome = None
    for stop in (1, 7, 13, 100):
        outcome = continue_screening(path, tmp_path / "parts", stop)
        stops.append((outcome.tally.frames, outcome.stopped))
    assert stops == [(1, signal.SIGINT), (8, signal.SIGINT), (21, signal.SIGINT), (40, 0)]
    assert tables_of(tmp_path / "parts") == tables_of(tmp_path / "whole")
    assert outcome is not None
    ours, theirs = outcome.tally, whole.tally
    assert (ours.frames, ours.kept, ours.unreadable) == (theirs.frames, theirs.kept, theirs.unreadable)
    assert ours.histogram.tolist() == theirs.histogram.tolist()
    assert ours.curve == theirs.curve
    assert [ours.best(9), ours.doubtful(9), ours.dropped(9)] == [
        theirs.best(9),
        theirs.doubtful(9),
        theirs.dropped(9),
    ]


def test_rows_after_the_last_checkpoint_are_cut_off(tmp_path: Path) -> None:
    """As a killed process leaves them, the last row cut in the middle; they are written again, and not twice."""
    path = nxmx_run(tmp_path / "run.h5", 25)
    screen([path], tmp_path / "whole")
    continue_screening(path, tmp_path / "parts", 9)
    for name in TABLES:
        with (tmp_path / "parts" / name).open("a", encoding="utf-8") as file:
            file.write(f"{path},9,0.123456,true,1.9,\n{path},10,0.1")
    continue_screening(path, tmp_path / "parts")
    assert tables_of(tmp_path / "parts") == tables_of(tmp_path / "whole")


def test_a_complete_screening_can_be_resumed_without_effect(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 8)
    screen([path], tmp_path / "out")
    before = tables_of(tmp_path / "out")
    assert continue_screening(path, tmp_path / "out").tally.frames == 8
    assert tables_of(tmp_path / "out") == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here to be a full disk")
def test_a_full_disk_is_reported_in_one_line(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 8)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "verdicts.csv").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"out: cannot write there \(No space left on device\)\. Make room"):
        screen([path], tmp_path / "out")


def test_a_second_signal_acts_at_once(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 12)
    run = open_run(path)
    frames = [0]

    def step() -> None:
        frames[0] += 1
        if frames[0] == 5:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        screen_to_folder(
            run, PEAK_JUDGE, Session(tmp_path / "out", 1, empty_checkpoint(run, [str(path)])), step
        )
    assert continue_screening(path, tmp_path / "out").tally.frames == 12
    screen([path], tmp_path / "whole")
    assert tables_of(tmp_path / "out") == tables_of(tmp_path / "whole")


def memory() -> float:
    """Return the resident set in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.slow
def test_memory_does_not_grow_with_the_run(tmp_path: Path) -> None:
    """10,000 frames, every third a hit with its spots listed; 4 MB is half a kilobyte a frame."""
    path = nxmx_run(tmp_path / "run.h5", 10_000)
    run, seen = open_run(path), []

    def step() -> None:
        seen.append(memory() if len(seen) % 250 == 0 else 0.0)

    screen_to_folder(run, PEAK_JUDGE, Session(tmp_path / "out", 2, empty_checkpoint(run, [str(path)])), step)
    assert len(seen) == 10_000
    settled, end = max(seen[:2500]), max(seen[-2500:])
    assert end - settled < 4
    assert (tmp_path / "out" / "verdicts.csv").read_text().count("\n") == 10_001
