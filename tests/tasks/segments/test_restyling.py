"""Styles drawn at random: every class gets levels of its own, the structure stays."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.tasks.segments.data import LabelledPicture, SegmentData
from fedbragg.tasks.segments.prepare import prepare
from fedbragg.tasks.segments.restyling import APART, LEVELS, TINT, Restyling, drawn_style, restyler
from fedbragg.tasks.segments.style import restyled, style_of_picture

LABELS = np.repeat(np.repeat([[0, 1], [1, 0]], 48, axis=0), 48, axis=1).astype(np.uint8)


def picture(seed: int) -> LabelledPicture:
    noise = np.random.default_rng(seed).normal(0, 8, LABELS.shape)
    return LabelledPicture((80 + 70 * LABELS + noise).clip(0, 255).astype(np.uint8), LABELS)


@pytest.mark.parametrize("seed", range(20))
def test_drawn_levels_lie_apart(seed: int) -> None:
    own = style_of_picture(prepare(picture(1).picture), LABELS, 2)
    values = drawn_style(own, np.random.default_rng(seed)).values
    grey = values[:2, :, 0].mean(axis=1)
    assert abs(grey[0] - grey[1]) > APART - 6 * TINT
    assert np.abs(grey).max() < LEVELS + 4 * TINT
    np.testing.assert_array_equal(values[2], own.values[2])  # what is not labelled stays as it is


def test_a_class_that_a_picture_lacks_is_not_drawn() -> None:
    own = style_of_picture(prepare(picture(1).picture), LABELS, 3)
    assert np.isnan(drawn_style(own, np.random.default_rng(1)).values[2]).all()


def test_a_drawn_style_can_turn_bright_and_dark_and_keeps_the_structure() -> None:
    part = prepare(picture(1).picture)
    own = style_of_picture(part, LABELS, 2)
    turned = 0
    for seed in range(40):
        made = restyled(part, LABELS, own, drawn_style(own, np.random.default_rng(seed)))
        first, second = (made[:, k == LABELS] for k in (0, 1))
        turned += first.mean() > second.mean()
        assert abs(np.corrcoef(made.mean(axis=0).ravel(), LABELS.ravel())[0, 1]) > 0.1
    assert 10 <= turned <= 30  # of 40, half on average


@pytest.mark.parametrize(("share", "changed"), [(0.0, 0), (1.0, 100), (0.3, 30)])
def test_so_many_crops_are_seen_in_a_drawn_style(share: float, changed: int) -> None:
    data = SegmentData((picture(1), picture(2)), 2)
    scaled = [prepare(one.picture) for one in data.pictures]
    restyle, generator = restyler(data, scaled, Restyling(drawn=share)), np.random.default_rng(3)
    other = sum(
        not np.array_equal(restyle(scaled[i % 2], LABELS, i % 2, generator), scaled[i % 2])
        for i in range(100)
    )
    assert other == pytest.approx(changed, abs=14 if 0 < share < 1 else 0)  # 3 standard deviations
