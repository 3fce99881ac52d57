"""ImageNumbers against the plain set of the numbers that came."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.live.image_numbers import ImageNumbers, Seen


@pytest.mark.parametrize("seed", range(5))
def test_any_order_gives_the_same_missing_numbers_as_a_set(seed: int) -> None:
    rng = np.random.default_rng(seed)
    came = [int(number) for number in rng.integers(0, 60, 50)]
    numbers, known = ImageNumbers(), set()
    for number in came:
        assert numbers.see(number) is (Seen.TWICE if number in known else Seen.NEW)
        known.add(number)
        assert numbers.missing == len(set(range(max(known))) - known)
    assert numbers.next == max(known) + 1


def test_gaps_are_listed_and_a_late_image_closes_its_own() -> None:
    numbers = ImageNumbers()
    for number in (0, 2, 6, 7):
        numbers.see(number)
    assert (numbers.missing, numbers.in_words()) == (4, "1, 3-5")
    assert numbers.see(4) is Seen.NEW
    assert numbers.in_words() == "1, 3, 5"


def test_many_gaps_are_counted() -> None:
    numbers = ImageNumbers()
    for number in range(0, 20, 2):
        numbers.see(number)
    assert numbers.in_words() == "1, 3, 5, 7, 9 and 4 more gaps"


def test_who_joins_in_the_middle_misses_nothing_before() -> None:
    numbers = ImageNumbers(None)
    for number in (500, 501, 503):
        numbers.see(number)
    assert (numbers.joined, numbers.missing) == (500, 1)
    assert numbers.see(498) is Seen.NEW  # out of order, not from before
    assert (numbers.missing, numbers.in_words()) == (2, "499, 502")


def test_a_start_that_comes_late_makes_the_images_before_missing() -> None:
    numbers = ImageNumbers(None)
    numbers.see(2)
    numbers.starts_at_zero(5)
    assert (numbers.joined, numbers.missing, numbers.unsent) == (None, 2, 2)


def test_numbers_beyond_the_announced_ones_open_no_gap() -> None:
    numbers = ImageNumbers(announced=3)
    assert [numbers.see(number) for number in (0, 1 << 50, 1 << 50, 1)] == [
        Seen.NEW,
        Seen.BEYOND,
        Seen.TWICE,
        Seen.NEW,
    ]
    assert (numbers.missing, numbers.unsent) == (0, 1)
