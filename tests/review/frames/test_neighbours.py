from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.review.frames.neighbours import summed, window
from fedbragg.types import Frame


def frame(counts: list[list[float]], masked: tuple[int, int] | None = None, **more: object) -> Frame:
    array = np.array(counts, more.pop("dtype", np.uint16))
    mask = np.zeros(array.shape, bool)
    if masked:
        mask[masked] = True
    return Frame(array, mask, "run.h5", 0, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("position", "number", "expected"),
    [(5, 1, [5]), (5, 3, [4, 5, 6]), (5, 4, [4, 5, 6, 7]), (0, 5, [0, 1, 2]), (9, 5, [7, 8, 9])],
)
def test_the_window_has_the_frame_in_its_middle(position: int, number: int, expected: list[int]) -> None:
    assert list(window(position, number, 10)) == expected


@given(position=st.integers(0, 30), number=st.integers(1, 50), more=st.integers(1, 30))
def test_a_window_is_a_stretch_of_the_run_with_the_frame_in_it(position: int, number: int, more: int) -> None:
    found = list(window(position, number, position + more))
    assert position in found
    assert len(found) <= number
    assert all(b - a == 1 for a, b in pairwise(found))


def test_counts_beyond_16_bits_are_added_exactly() -> None:
    total = summed(frame([[60000, 1]]), [frame([[60000, 2]]), frame([[60000, 3]])])
    assert total.counts.tolist() == [[180000, 6]]
    assert not total.mask.any()


def test_a_pixel_masked_in_one_is_masked_in_the_sum_and_a_saturated_one_stays_so() -> None:
    """Readers mask a saturated pixel and leave its count above the limit; the type's maximum marks a gap."""
    bright = frame([[5000, 3, 65535]], (0, 0), saturation=1000.0)
    bright.mask[0, 2] = True
    masked = frame([[10, 7, 65535]], (0, 1), saturation=1000.0)
    masked.mask[0, 2] = True
    total = summed(bright, [masked])
    assert total.mask.tolist() == [[True, True, True]]
    assert total.counts.tolist() == [[1001, 0, 0]]


def test_fractional_counts_stay_fractional() -> None:
    half = frame([[0.5, 1.25]], dtype=np.float32)
    assert summed(half, [half]).counts.tolist() == [[1.0, 2.5]]
