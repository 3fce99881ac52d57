"""The shards of a run: together they are the run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.errors import ConfigError
from fedbragg.screening.shards.shard import Shard, in_words, read_shard


@given(frames=st.integers(0, 10**9), count=st.integers(1, 200))
def test_shards_cover_the_run_without_gap_or_overlap_and_are_of_one_length(frames: int, count: int) -> None:
    parts = [Shard(number, count).positions(frames) for number in range(1, count + 1)]
    assert (parts[0].start, parts[-1].stop) == (0, frames)
    assert [part.stop for part in parts[:-1]] == [part.start for part in parts[1:]]
    lengths = [len(part) for part in parts]
    assert max(lengths) - min(lengths) <= 1
    assert sum(lengths) == frames


@given(count=st.integers(1, 999_999), data=st.data())
def test_a_shard_is_read_as_it_is_written(count: int, data: st.DataObject) -> None:
    shard = Shard(data.draw(st.integers(1, count)), count)
    assert read_shard(str(shard)) == shard


@pytest.mark.parametrize("text", ["", "3", "3/", "/16", "3of16", "-1/4", "1.5/2", "1/2/3", "1/1000000000"])
def test_a_malformed_shard_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"--shard .*: not I/N\. Give for example 3/16"):
        read_shard(text)


@pytest.mark.parametrize("text", ["0/4", "5/4", "0/0"])
def test_a_shard_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"--shard {text}: there is no such part\. Count them from 1/N to N/N"
    ):
        read_shard(text)


def test_positions_are_named_with_the_last_one_included() -> None:
    assert in_words(range(4, 9)) == "frames 4 to 8"
    assert in_words(range(4, 5)) == "frame 4"
    assert in_words(range(4, 4)) == "no frame"
