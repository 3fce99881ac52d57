"""The folders of tries: a task that was given up for lost does not disturb the one that replaces it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from example_runs import nxmx_run
from example_shards import screen_shard

from fedbragg.errors import InputError
from fedbragg.screening.checkpoint import load, save
from fedbragg.screening.shards.attempts import first_try, frames_done, newest_tries, next_try, remove_tries
from fedbragg.screening.shards.frame_table import FRAMES
from fedbragg.screening.shards.shard import Shard

SHARD = Shard(2, 2)


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A shard of 15 frames, of which 6 are done."""
    folder = first_try(tmp_path / "out", SHARD)
    screen_shard(nxmx_run(tmp_path / "run.h5", 30), folder, SHARD, stops=[6])
    return folder


def test_a_folder_is_named_for_its_shard_and_try(tmp_path: Path) -> None:
    assert first_try(tmp_path, SHARD) == tmp_path / "shards" / "2-of-2-try-1"


def test_the_next_try_goes_on_while_the_lost_one_still_writes(begun: Path, tmp_path: Path) -> None:
    table = (begun / FRAMES).read_bytes()
    with (begun / FRAMES).open("ab") as lost:
        lost.write(b"half a ro")
        lost.flush()
        copy = next_try(begun)
        lost.write(b"w of the lost task\n")
    assert copy == begun.with_name("2-of-2-try-2")
    assert frames_done(copy) == 6
    run = tmp_path / "run.h5"
    assert screen_shard(run, copy, SHARD).tally.frames == 15
    whole = tmp_path / "whole"
    screen_shard(run, whole, SHARD)
    assert (copy / FRAMES).read_bytes() == (whole / FRAMES).read_bytes()
    assert (copy / FRAMES).read_bytes().startswith(table)


def test_the_last_try_of_each_shard_is_found_and_all_are_removed(begun: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    folder = begun
    for _ in range(10):  # 11 comes after 9
        folder = next_try(folder)
    other = first_try(out, Shard(1, 2))
    other.mkdir()
    (out / "shards" / "notes.txt").write_text("the user's")
    assert newest_tries(out) == {SHARD: out / "shards" / "2-of-2-try-11", Shard(1, 2): other}
    remove_tries(out)
    assert [path.name for path in (out / "shards").iterdir()] == ["notes.txt"]
    (out / "shards" / "notes.txt").unlink()
    remove_tries(out)
    assert not (out / "shards").exists()
    assert newest_tries(out) == {}


def test_what_cannot_be_copied_is_refused_in_one_line(begun: Path) -> None:
    found = load(begun)
    assert found is not None
    save(begun, replace(found, sizes={**found.sizes, "gone.csv": 1}))
    with pytest.raises(InputError, match=r"2-of-2-try-2: cannot be written"):
        next_try(begun)
    (begun / "screening.json").unlink()
    with pytest.raises(InputError, match="its checkpoint is gone"):
        frames_done(begun)
