"""A screening that goes on for long, stops anywhere, and goes on from there."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from labelled import calibration
from made_runs import begun, count_peaks, hits_among, nxmx_run, screened

from fedbragg.errors import InputError
from fedbragg.images import open_run
from fedbragg.screening import resume
from fedbragg.screening.drift.monitor import Drift, DriftSettings
from fedbragg.screening.engine import Judge
from fedbragg.screening.session import Outcome, Session, conduct
from fedbragg.tasks.hits.prepare import PrepareSettings

TABLES = ("verdicts.csv", "hits.lst", "spots.csv")
JUDGE = Judge(count_peaks, PrepareSettings(), 0.3, mark=True)


def tables_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in TABLES}


def go_on(path: Path, folder: Path, stop_after: int | None = None) -> Outcome:
    """Resume; ``stop_after`` so many frames the process gets a SIGINT."""
    run = open_run(path)
    start = resume.to_resume(folder, begun(run, [str(path)]).identity)
    return conduct(run, JUDGE, Session(folder, 2, start), stopping(stop_after))


def stopping(after: int | None) -> Callable[[], None]:
    """Return what sends this process a SIGINT when it has been called so often."""
    left = [after]

    def tick() -> None:
        if left[0] is not None:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGINT)

    return tick


def test_the_hits_are_those_that_were_made(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 30)
    _, outcome = screened([path], tmp_path / "out")
    assert outcome.tally.frames == 30
    listed = (tmp_path / "out" / "hits.lst").read_text().splitlines()
    assert listed == [f"{path} //{index}" for index in hits_among(30)]


def test_stopped_at_any_frame_and_resumed_it_is_the_same(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 40)
    _, whole = screened([path], tmp_path / "whole")
    stops = []
    outcome = None
    for stop in (1, 7, 13, 100):
        outcome = go_on(path, tmp_path / "parts", stop)
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


def test_what_a_killed_process_had_not_noted_is_cut_off(tmp_path: Path) -> None:
    """Rows after the last note, the last of them cut in the middle, are made again and never twice."""
    path = nxmx_run(tmp_path / "run.h5", 25)
    screened([path], tmp_path / "whole")
    go_on(path, tmp_path / "parts", 9)
    for name in TABLES:
        with (tmp_path / "parts" / name).open("a", encoding="utf-8") as file:
            file.write(f"{path},9,0.123456,true,1.9,\n{path},10,0.1")
    go_on(path, tmp_path / "parts")
    assert tables_of(tmp_path / "parts") == tables_of(tmp_path / "whole")


def watch_over(said: list[str]) -> Drift:
    """A calibration at a hundred counts a pixel, of which the made frames with their two know nothing."""
    return Drift(calibration(), DriftSettings(fail_safe=True), tell=said.append)


def test_what_drift_keeps_is_the_same_when_it_goes_on(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 140)
    run = open_run(path)
    outcomes, said = [], [list[str](), list[str]()]
    for folder, stops in (("whole", [None]), ("parts", [3, 90, None])):
        for stop in stops:
            start = resume.to_resume(tmp_path / folder, begun(run, [str(path)]).identity)
            session = Session(tmp_path / folder, 2, start, drift=watch_over(said[folder == "parts"]))
            outcomes.append(conduct(run, JUDGE, session, stopping(stop)))
    assert tables_of(tmp_path / "parts") == tables_of(tmp_path / "whole")
    assert outcomes[-1].tally.kept == outcomes[0].tally.kept == 140
    assert said[0][0].startswith("DRIFT")
    assert said[1][0] == said[0][0]
    spots = (tmp_path / "whole" / "spots.csv").read_text()
    assert all(f"run.h5,{index}," in spots for index in hits_among(140))


def test_a_whole_screening_goes_on_to_the_same(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 8)
    screened([path], tmp_path / "out")
    before = tables_of(tmp_path / "out")
    assert go_on(path, tmp_path / "out").tally.frames == 8
    assert tables_of(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("run", "other", "the files"),
        ("frames", 9, "the number of frames"),
        ("model", "other", "the model"),
        ("threshold", 0.31, "the threshold"),
        ("spots", False, "whether there is a --cxi"),
        ("fail_safe", False, "--fail-safe"),
    ],
)
def test_another_screening_is_not_gone_on_with(tmp_path: Path, field: str, value: object, said: str) -> None:
    from dataclasses import replace

    path = nxmx_run(tmp_path / "run.h5", 8)
    run, _ = screened([path], tmp_path / "out")
    wanted = replace(begun(run, [str(path)]).identity, **{field: value})
    with pytest.raises(InputError, match=rf"out: its screening cannot go on, for {said} changed"):
        resume.to_resume(tmp_path / "out", wanted)


def test_a_table_that_lost_its_end_is_refused(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 8)
    run, _ = screened([path], tmp_path / "out")
    os.truncate(tmp_path / "out" / "hits.lst", 5)
    with pytest.raises(InputError, match=r"hits\.lst: missing, or shorter than it was"):
        resume.to_resume(tmp_path / "out", begun(run, [str(path)]).identity)


def test_a_state_that_is_none_is_refused(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 8)
    run, _ = screened([path], tmp_path / "out")
    (tmp_path / "out" / "screening.json").write_text('{"format": 1, "do')
    with pytest.raises(InputError, match=r"screening\.json: cannot be read"):
        resume.to_resume(tmp_path / "out", begun(run, [str(path)]).identity)
    assert resume.start_anew(tmp_path / "out", begun(run, [str(path)]).identity).done == 0


def test_a_run_written_anew_is_another_run(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 8)
    before = resume.digest_of_files([str(path)])
    path.write_bytes(path.read_bytes() + b"x")
    assert resume.digest_of_files([str(path)]) != before


def test_a_new_beginning_removes_what_the_last_screening_made_and_nothing_else(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 8)
    run, _ = screened([path], tmp_path / "out")
    for name in ("hits.nxs", "mine.txt"):
        (tmp_path / "out" / name).write_text("x")
    (tmp_path / "elsewhere.cxi").write_text("x")
    resume.add_outputs(tmp_path / "out", [tmp_path / "out" / "hits.nxs", tmp_path / "elsewhere.cxi"])
    resume.start_anew(tmp_path / "out", begun(run, [str(path)]).identity)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"mine.txt", "screening.json"}
    assert (tmp_path / "elsewhere.cxi").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here to be a full disk")
def test_a_full_disk_is_said_in_one_line(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 8)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "verdicts.csv").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"out: cannot write there \(No space left on device\)\. Make room"):
        screened([path], tmp_path / "out")


def test_a_second_signal_is_not_held_back(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 12)
    run = open_run(path)
    times = [0]

    def tick() -> None:
        times[0] += 1
        if times[0] == 5:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        conduct(run, JUDGE, Session(tmp_path / "out", 1, begun(run, [str(path)])), tick)
    assert go_on(path, tmp_path / "out").tally.frames == 12
    screened([path], tmp_path / "whole")
    assert tables_of(tmp_path / "out") == tables_of(tmp_path / "whole")


def memory() -> float:
    """Return the resident set in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.slow
def test_memory_does_not_grow_with_the_run(tmp_path: Path) -> None:
    """20,000 frames, every third a hit with its spots listed; 8 MB is less than half a kilobyte a frame."""
    path = nxmx_run(tmp_path / "run.h5", 20_000)
    run, seen = open_run(path), []

    def tick() -> None:
        seen.append(memory() if len(seen) % 500 == 0 else 0.0)

    conduct(run, JUDGE, Session(tmp_path / "out", 2, begun(run, [str(path)])), tick)
    assert len(seen) == 20_000
    settled, end = max(seen[:5000]), max(seen[-5000:])
    assert end - settled < 8
    assert (tmp_path / "out" / "verdicts.csv").read_text().count("\n") == 20_001
