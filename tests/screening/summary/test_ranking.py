"""The first frames in the order of a value."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.screening.summary.ranking import CAPACITY, Ranking


@given(st.lists(st.floats(0, 1).map(lambda value: round(value, 2)), max_size=80), st.integers(0, CAPACITY))
def test_the_ranking_is_that_of_a_sorted_list(values: list[float], number: int) -> None:
    ranking = Ranking()
    for position, value in enumerate(values):
        ranking.add(value, position)
    assert ranking.positions(number) == np.argsort(values, kind="stable")[:number].tolist()
