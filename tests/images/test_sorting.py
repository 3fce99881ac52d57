"""Natural order: numbers in names count as numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fedbragg.images.sorting import natural_key


def test_numbers_are_sorted_by_value() -> None:
    assert sorted(["x10", "x9", "x1y2", "x"], key=natural_key) == ["x", "x1y2", "x9", "x10"]


@given(st.lists(st.integers(0, 10**6)))
def test_numbered_names_are_sorted_as_their_numbers(numbers: list[int]) -> None:
    names = [f"run_{number}.h5" for number in numbers]
    assert sorted(names, key=natural_key) == [f"run_{number}.h5" for number in sorted(numbers)]


@given(st.lists(st.text()))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    assert sorted(sorted(names, key=natural_key)) == sorted(names)
