"""The counts of a run's tags."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.report.tag_tally import REASONS, TagTally, limits


@pytest.mark.parametrize(
    ("threshold", "absent", "present"), [(0.5, 0.25, 0.75), (0.8, 0.4, 0.9), (0.0, 0.0, 0.5)]
)
def test_limits_lie_half_way_from_the_threshold(threshold: float, absent: float, present: float) -> None:
    found = limits(threshold)
    assert (found.absent, found.present) == pytest.approx((absent, present))


def test_limits_belong_to_there_and_not_there() -> None:
    values = np.array([0, 0.25, 0.2501, 0.5, 0.7499, 0.75, 1])
    assert limits(0.5).states(values).tolist() == [2, 2, 1, 1, 1, 0, 0]


def test_every_image_counts_once_for_each_tag() -> None:
    tally = TagTally(("halo", "ring"), limits(0.5))
    for known in ([0.9, 0.1], [0.8, 0.5], [0.3, 0.75]):
        tally.add(np.array(known))
    tally.add_unreadable("a.cbf frame 0: cut short")
    assert tally.counts.tolist() == [[2, 1, 0], [1, 1, 1]]
    assert (tally.images, tally.tagged, tally.unreadable) == (4, 3, 1)


def test_only_the_first_reasons_are_kept() -> None:
    tally = TagTally(("halo",), limits(0.5))
    for number in range(1000):
        tally.add_unreadable(f"reason {number}")
    assert tally.unreadable == 1000
    assert tally.reasons == [f"reason {number}" for number in range(REASONS)]
