"""Shards, merged, are what one machine writes: tables, counts and drift."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from example_calibration import calibration
from example_runs import PEAK_JUDGE, empty_checkpoint, nxmx_run
from example_shards import identity_of, screen_shard, shards_of

from fedbragg.images import open_run
from fedbragg.screening.checkpoint import Checkpoint, load
from fedbragg.screening.drift.monitor import DriftMonitor
from fedbragg.screening.session import Outcome, Session, screen_to_folder
from fedbragg.screening.shards.join import join
from fedbragg.screening.shards.merge import merge_to_folder
from fedbragg.screening.shards.shard import Shard
from fedbragg.screening.summary.grid import Grid

TABLES = ("verdicts.csv", "hits.lst", "spots.csv")
FRAMES, GRID = 91, Grid(7, 13)


def on_one_machine(path: Path, folder: Path, drift: DriftMonitor | None) -> Outcome:
    run = open_run(path)
    session = Session(folder, 2, empty_checkpoint(run, [str(path)]), GRID, drift)
    return screen_to_folder(run, PEAK_JUDGE, session, lambda: None)


def merged(path: Path, parts: Sequence[Path], folder: Path, drift: DriftMonitor | None) -> Outcome:
    session = Session(folder, 1, Checkpoint(identity_of(path)), GRID, drift)
    return merge_to_folder(join(parts), session, lambda: None)


def check_same(ours: Outcome, theirs: Outcome) -> None:
    for name in ("frames", "kept", "unreadable", "reasons", "curve"):
        assert getattr(ours.tally, name) == getattr(theirs.tally, name)
    assert ours.tally.histogram.tolist() == theirs.tally.histogram.tolist()
    for name in ("best", "doubtful", "dropped"):
        assert getattr(ours.tally, name)(9) == getattr(theirs.tally, name)(9)
    our_grid, their_grid = ours.tally.on_grid, theirs.tally.on_grid
    assert our_grid is not None
    assert their_grid is not None
    for name in ("scores", "spots", "resolution"):
        assert getattr(our_grid, name).tobytes() == getattr(their_grid, name).tobytes()


@pytest.mark.parametrize("with_drift", [False, True])
@pytest.mark.parametrize("count", [1, 3, 8])
def test_merged_in_any_order_they_are_what_one_machine_writes(
    tmp_path: Path, count: int, with_drift: bool
) -> None:
    """With drift, for the calibration is at a hundred counts a pixel and the frames are at two."""
    path = nxmx_run(tmp_path / "run.h5", FRAMES)
    monitors = [DriftMonitor(calibration()) if with_drift else None for _ in range(2)]
    whole = on_one_machine(path, tmp_path / "whole", monitors[0])
    parts = shards_of(path, tmp_path, count)
    outcome = merged(path, parts[::-1], tmp_path / "merged", monitors[1])
    check_same(outcome, whole)
    for name in TABLES:
        assert (tmp_path / "merged" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    one, other = (monitor and (monitor.alarms, monitor.kept, monitor.scored) for monitor in monitors)
    assert one == other
    assert (outcome.tally.kept == FRAMES) == with_drift
    found, wanted = (load(tmp_path / name) for name in ("merged", "whole"))
    assert found is not None
    assert wanted is not None
    assert replace(found, seconds=0) == replace(wanted, seconds=0)  # merged, it can be resumed as one


def test_a_shard_stopped_anywhere_and_resumed_has_the_same_tables(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 61)
    shard = Shard(2, 2)
    whole = screen_shard(path, tmp_path / "whole", shard)
    stopped = screen_shard(path, tmp_path / "parts", shard, [4])
    assert (stopped.tally.frames, stopped.stopped) == (4, signal.SIGINT)
    outcome = screen_shard(path, tmp_path / "parts", shard, [9, 1, None])
    assert (outcome.tally.frames, outcome.stopped) == (31, 0)
    assert outcome.tally.kept == whole.tally.kept
    for name in ("frames.csv", "spots.csv"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert len((tmp_path / "whole" / "frames.csv").read_text().splitlines()) == 1 + 31


def test_a_run_with_fewer_frames_than_shards_is_merged_too(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 5)
    parts = shards_of(path, tmp_path, 8)
    assert [len(shard.positions) for shard in join(parts)].count(0) == 3
    session = Session(tmp_path / "merged", 1, Checkpoint(identity_of(path)))
    assert merge_to_folder(join(parts), session, lambda: None).tally.frames == 5
