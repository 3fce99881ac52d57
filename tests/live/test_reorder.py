from __future__ import annotations

import itertools

from fedbragg.live.reorder import Reorder


def given(reorder: Reorder[int], numbers: list[int]) -> list[int]:
    """Return the numbers in the order in which they are given, those that still wait last."""
    out = list(itertools.chain.from_iterable(reorder.add(number, number) for number in numbers))
    return [*out, *reorder.rest()]


def test_what_is_in_order_never_waits() -> None:
    reorder: Reorder[int] = Reorder()
    assert [list(reorder.add(number, number)) for number in range(5)] == [[0], [1], [2], [3], [4]]


def test_every_order_within_the_depth_becomes_the_right_one() -> None:
    for order in itertools.permutations(range(5)):
        assert given(Reorder(depth=5), list(order)) == list(range(5))


def test_a_missing_one_is_given_up_after_the_depth_and_given_at_once_when_it_comes_after_all() -> None:
    reorder: Reorder[int] = Reorder(depth=2)
    assert [list(reorder.add(number, number)) for number in (0, 2, 3, 4, 5, 1)] == [
        [0],
        [],
        [],
        [2, 3, 4],
        [5],
        [1],
    ]


def test_it_begins_with_the_first_that_comes() -> None:
    assert given(Reorder(None), [500, 501]) == [500, 501]
