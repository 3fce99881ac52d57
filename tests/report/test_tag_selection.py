"""Which images of a run a tags page holds."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from tagged import flat_view, tallied

from fedbragg.report.tag_selection import EXTREME_SHARE, MOST, TagSelection

NAMES = ("halo", "ring")


def positions(selection: TagSelection) -> list[int]:
    return [image.position for image in selection.images()]


def made(images: int, tags: int = 2, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((images, tags)).round(4)


@pytest.mark.parametrize("images", [1, 20, 60])
def test_a_short_run_is_kept_whole_and_in_order(images: int) -> None:
    _, selection = tallied(NAMES, made(images), most=60)
    assert positions(selection) == list(range(images))


@pytest.mark.parametrize("order", ["random", "rising", "falling"])
def test_a_long_runs_extremes_are_those_of_a_sort(order: str) -> None:
    known = made(2000)
    if order != "random":
        known = np.sort(known, axis=0)[:: 1 if order == "rising" else -1]
    _, selection = tallied(NAMES, known, most=60)
    kept = set(positions(selection))
    each = int(EXTREME_SHARE * 60) // 6
    for tag in range(2):
        column = known[:, tag]
        for key in (-column, column, np.abs(column - 0.5)):
            assert set(np.argsort(key, kind="stable")[:each].tolist()) <= kept


def test_of_equal_images_the_first_are_kept() -> None:
    _, selection = tallied(("halo",), np.full((500, 1), 0.25), most=30)
    assert positions(selection)[:7] == [0, 1, 2, 3, 4, 5, 42]  # six extremes, then every 42nd image


def test_others_are_spread_evenly_over_the_run() -> None:
    known = made(5000)
    _, selection = tallied(NAMES, known, most=100)
    stride = -(-5000 // (100 - 60))
    assert set(range(0, 5000, stride)) <= set(positions(selection))


@pytest.mark.parametrize("tags", [1, 19, 40, 400])
def test_the_number_of_images_is_bounded(tags: int) -> None:
    _, selection = tallied(tuple(map(str, range(tags))), made(4000, tags))
    assert len(selection.images()) <= max(MOST, 3 * tags + 1)


def test_each_image_stands_once_with_its_own_probabilities() -> None:
    known = made(3000)
    _, selection = tallied(NAMES, known, most=90)
    images = selection.images()
    assert len({image.position for image in images}) == len(images)
    for image in images:
        assert (image.probabilities == known[image.position]).all()
        assert (image.path, image.index) == ("run.h5", image.position)


def test_memory_does_not_grow_with_the_run() -> None:
    """Ever more certain images: each is kept for a while. Views of 0.8 MB pass; pictures of 1.5 kB stay."""
    view = flat_view()
    selection = TagSelection(2, 6_000, 0.5, most=50)
    tracemalloc.start()
    for position in range(6_000):
        known = np.array([position / 6_000, 1 - position / 6_000])
        selection.add(position, "run.h5", position, known, view)
        if position == 1000:
            early = tracemalloc.get_traced_memory()[0]
    late = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(selection.images()) <= 50
    assert late < early + 60_000
