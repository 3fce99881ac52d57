"""Which folders can be merged: all else is refused in one line that says what, where and what to do."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from example_runs import nxmx_run
from example_shards import identity_of, screen_shard, shards_of

from fedbragg.errors import InputError
from fedbragg.screening.shards.join import join
from fedbragg.screening.shards.record import RECORD
from fedbragg.screening.shards.shard import Shard

FRAMES = 13


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nxmx_run(tmp_path_factory.mktemp("run") / "run.h5", FRAMES)


def refusal(folders: list[Path]) -> str:
    with pytest.raises(InputError) as error:
        join(folders)
    line = str(error.value)
    assert "\n" not in line
    assert line.endswith(".")
    return line


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def test_shards_are_put_in_the_runs_order(path: Path, tmp_path: Path) -> None:
    parts = shards_of(path, tmp_path, 4)
    assert [shard.folder for shard in join([parts[2], parts[0], parts[3], parts[1]])] == parts


def test_a_part_may_be_cut_again(path: Path, tmp_path: Path) -> None:
    """What counts are the frames: half a run and two quarters of it are a run."""
    parts = [tmp_path / "half", tmp_path / "third", tmp_path / "fourth"]
    for part, shard in zip(parts, (Shard(1, 2), Shard(3, 4), Shard(4, 4)), strict=True):
        screen_shard(path, part, shard)
    assert [len(shard.positions) for shard in join(parts)] == [6, 3, 4]


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ([2, 3, 4], "frames 0 to 2 of the run's 13 are in no folder given (--shard 1/4)"),
        ([1, 3, 4], "frames 3 to 5 of the run's 13 are in no folder given (--shard 2/4)"),
        ([1, 4], "frames 3 to 8 of the run's 13 are in no folder given (--shard 2/4 and --shard 3/4)"),
        ([1, 2, 3], "frames 9 to 12 of the run's 13 are in no folder given (--shard 4/4)"),
    ],
)
def test_a_gap_is_refused(path: Path, tmp_path: Path, given: list[int], missing: str) -> None:
    parts = shards_of(path, tmp_path, 4)
    line = refusal([parts[number - 1] for number in given])
    assert line == f"{missing}. Screen them, or give their folders too."


def test_an_overlap_is_refused(path: Path, tmp_path: Path) -> None:
    parts = shards_of(path, tmp_path, 3)
    line = refusal([*parts, parts[1]])
    assert line == f"{parts[1]} and {parts[1]}: both hold frames 4 to 7 of the run. Leave one of them out."
    screen_shard(path, tmp_path / "half", Shard(2, 2))
    line = refusal([*parts, tmp_path / "half"])
    assert line.startswith(f"{parts[1]} and {tmp_path / 'half'}: both hold frames 6 to 7 of the run.")


@pytest.mark.parametrize(
    ("field", "value", "different"),
    [
        ("run", "another", "the files"),
        ("model", "another", "the model"),
        ("threshold", 0.31, "the threshold"),
        ("fail_safe", False, "--fail-safe"),
        ("geometry", "another", "--geometry"),
    ],
)
def test_a_shard_of_another_screening_is_refused(
    path: Path, tmp_path: Path, field: str, value: object, different: str
) -> None:
    screen_shard(path, tmp_path / "a", Shard(1, 2))
    other = replace(identity_of(path), **{field: value})
    screen_shard(path, tmp_path / "b", Shard(2, 2), identity=other)
    assert refusal([tmp_path / "a", tmp_path / "b"]) == (
        f"{tmp_path / 'b'}: is no part of the same screening as {tmp_path / 'a'}; different: {different}. "
        "Leave it out, or screen it again as the others."
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("grid", "1x13"),
        ("snake", True),
        ("table", "t.parquet"),
        ("nxmx", "h.nxs"),
        ("cxi", ""),
        ("copy", True),
    ],
)
def test_a_shard_with_other_options_is_refused(
    path: Path, tmp_path: Path, option: str, value: object
) -> None:
    parts = shards_of(path, tmp_path, 2)
    edit(parts[1] / RECORD, lambda values: values["request"].update({option: value}))
    assert f"different: --{option}. " in refusal(parts)


def test_a_shard_of_another_version_is_refused(path: Path, tmp_path: Path) -> None:
    parts = shards_of(path, tmp_path, 2)
    edit(parts[1] / RECORD, lambda values: values.update(version="0.2.0"))
    assert "different: fedbragg's version (0.1.0 and 0.2.0). " in refusal(parts)


def test_an_incomplete_shard_is_refused(path: Path, tmp_path: Path) -> None:
    parts = shards_of(path, tmp_path, 2)
    screen_shard(path, tmp_path / "part", Shard(2, 2), [3])
    assert refusal([parts[0], tmp_path / "part"]) == (
        f"{tmp_path / 'part'}: has 3 of its 7 frames. Run its command again with --resume."
    )


def test_a_shard_that_has_not_begun_is_refused(path: Path, tmp_path: Path) -> None:
    parts = shards_of(path, tmp_path, 2)
    (parts[1] / "screening.json").unlink()
    assert refusal(parts) == f"{parts[1]}: its screening has not begun. Run its command again."


def test_a_shortened_table_is_refused(path: Path, tmp_path: Path) -> None:
    parts = shards_of(path, tmp_path, 2)
    os.truncate(parts[1] / "frames.csv", 80)
    line = refusal(parts)
    assert line == f"{parts[1] / 'frames.csv'}: missing, or shorter than it was. Screen this shard again."


def test_a_folder_that_is_no_shard_is_refused(path: Path, tmp_path: Path) -> None:
    parts = shards_of(path, tmp_path, 1)
    for other in (tmp_path, tmp_path / "nowhere", path):
        assert refusal([*parts, other]) == (
            f"{other}: holds no shard. Give the folders of `fedbragg screen --shard`."
        )


@pytest.mark.parametrize("content", ["", '{"format": 1}', '{"format": 9}', "[]", "\xff"])
def test_a_damaged_record_is_refused(path: Path, tmp_path: Path, content: str) -> None:
    (part,) = shards_of(path, tmp_path, 1)
    (part / RECORD).write_text(content, encoding="latin-1")
    line = refusal([part])
    assert re.fullmatch(r".*shard\.json: cannot be read \(.*\)\. Screen this shard again\.", line)
