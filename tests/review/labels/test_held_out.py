from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.review.labels.held_out import judging_frames, label_parts, stretches
from fedbragg.types import Label

HIT, MAYBE, MISS = Label.HIT, Label.MAYBE, Label.MISS


def test_every_third_run_judges() -> None:
    files = [(f"run{number}.h5", 10) for number in range(4)]
    assert stretches(judging_frames(files)) == [(10, 20)]


def test_files_of_one_frame_are_runs_by_folder() -> None:
    files = [(f"/data/{run}/{frame}.cbf", 1) for run in "abc" for frame in range(4)]
    assert stretches(judging_frames(files)) == [(4, 8)]


@pytest.mark.parametrize("files", [[("a.h5", 60)], [("a.h5", 58), ("b.h5", 2)]])
def test_one_run_is_split_into_stretches_of_neighbours(files: list[tuple[str, int]]) -> None:
    """Stretches of 5 frames, of which the second of three judges; a run of 2 frames cannot judge alone."""
    assert stretches(judging_frames(files)) == [(5, 10), (20, 25), (35, 40), (50, 55)]


@given(lengths=st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_a_frame_judges_or_teaches_and_stretches_are_not_single_frames(lengths: list[int]) -> None:
    judges = judging_frames([(f"{i}.h5", length) for i, length in enumerate(lengths)])
    assert len(judges) == sum(lengths)
    if len(judges) >= 15:
        assert 0.15 <= judges.mean() <= 0.6
    if len(lengths) == 1:
        assert all(stop - start >= 5 or stop == len(judges) for start, stop in stretches(judges))


def test_what_is_lacking_is_said_for_each_part() -> None:
    judges = np.arange(40) >= 20
    few = label_parts({0: HIT, 1: MAYBE, 2: MISS, 25: MISS}, judges)
    assert few.lacking == (
        "To teach there must be 5 hits or maybes and 5 misses; there are 2 and 1. "
        "To judge there must be 5 hits or maybes and 5 misses; there are 0 and 1."
    )
    enough = label_parts({i: (HIT, MISS)[i % 2] for i in range(40)}, judges)
    assert enough.lacking == ""
    assert (len(enough.teaching), len(enough.judging)) == (20, 20)
