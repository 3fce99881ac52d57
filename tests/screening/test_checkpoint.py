"""The checkpoint of a screening: it is resumed only where nothing changed, and removes only its own files."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from example_runs import empty_checkpoint, nxmx_run, screen

from fedbragg.errors import InputError
from fedbragg.screening.checkpoint import add_outputs, digest_of_files, resume, start_over


@pytest.mark.parametrize(
    ("field", "value", "changed"),
    [
        ("run", "other", "the files"),
        ("frames", 9, "the number of frames"),
        ("model", "other", "the model"),
        ("threshold", 0.31, "the threshold"),
        ("spots", False, "whether there is a --cxi"),
        ("fail_safe", False, "--fail-safe"),
        ("geometry", "other", "--geometry"),
        ("shard", "3/16", "--shard"),
    ],
)
def test_another_screening_is_not_resumed(tmp_path: Path, field: str, value: object, changed: str) -> None:
    path = nxmx_run(tmp_path / "run.h5", 8)
    run, _ = screen([path], tmp_path / "out")
    wanted = replace(empty_checkpoint(run, [str(path)]).identity, **{field: value})
    with pytest.raises(InputError, match=rf"out: cannot be resumed, because {changed} changed"):
        resume(tmp_path / "out", wanted)


def test_a_shortened_table_is_refused(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 8)
    run, _ = screen([path], tmp_path / "out")
    os.truncate(tmp_path / "out" / "hits.lst", 5)
    with pytest.raises(InputError, match=r"hits\.lst: missing, or shorter than it was"):
        resume(tmp_path / "out", empty_checkpoint(run, [str(path)]).identity)


def test_a_damaged_checkpoint_is_refused_and_can_be_started_over(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 8)
    run, _ = screen([path], tmp_path / "out")
    (tmp_path / "out" / "screening.json").write_text('{"format": 1, "do')
    with pytest.raises(InputError, match=r"screening\.json: cannot be read"):
        resume(tmp_path / "out", empty_checkpoint(run, [str(path)]).identity)
    assert start_over(tmp_path / "out", empty_checkpoint(run, [str(path)]).identity).done == 0


def test_a_file_of_another_size_is_another_run(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 8)
    before = digest_of_files([str(path)])
    path.write_bytes(path.read_bytes() + b"x")
    assert digest_of_files([str(path)]) != before


def test_starting_over_removes_the_files_of_the_last_screening_only(tmp_path: Path) -> None:
    path = nxmx_run(tmp_path / "run.h5", 8)
    run, _ = screen([path], tmp_path / "out")
    for name in ("hits.nxs", "mine.txt"):
        (tmp_path / "out" / name).write_text("x")
    (tmp_path / "elsewhere.cxi").write_text("x")
    add_outputs(tmp_path / "out", [tmp_path / "out" / "hits.nxs", tmp_path / "elsewhere.cxi"])
    start_over(tmp_path / "out", empty_checkpoint(run, [str(path)]).identity)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"mine.txt", "screening.json"}
    assert (tmp_path / "elsewhere.cxi").exists()
