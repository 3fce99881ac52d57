"""The sample of a background level: which pixels, in which groups."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare.level_sample import (
    GROUPS,
    add_to_groups,
    level_sample,
    median_of_means,
)


def test_a_large_frame_gives_an_oblique_grid_of_about_so_many_pixels() -> None:
    mask = np.zeros((1000, 1200), np.bool_)
    mask[:, 600:] = True
    pixels = level_sample(mask).pixels
    assert 2 * pixels.size == pytest.approx(1000 * 1200 / 7**2, rel=0.01)  # the step nearest below sqrt(60)
    cols = pixels % 1200
    assert (np.diff(pixels) > 0).all() and cols.max() < 600
    assert (
        np.bincount(cols, minlength=600)[:600] > 0
    ).all()  # no column is left out, as a straight grid's would be


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    masked=st.sampled_from([0.0, 0.3, 0.98]),
    cuts=st.lists(st.integers(0, 40), max_size=4),
    seed=st.integers(0, 2**32),
)
def test_the_level_is_the_median_of_the_groups_means(
    shape: tuple[int, int], masked: float, cuts: list[int], seed: int
) -> None:
    """Of every 63rd pixel from the first, the second ...; however many rows are added at a time."""
    generator = np.random.default_rng(seed)
    counts, mask = generator.poisson(7, shape).astype(np.uint16), generator.random(shape) < masked
    used = counts[~mask]  # of a frame this small every pixel is sampled
    sample, total = level_sample(mask), np.zeros(GROUPS)
    edges = sorted({0, shape[0], *(cut for cut in cuts if cut < shape[0])})
    for first, end in pairwise(edges):
        add_to_groups(read_only(counts.reshape(-1)), sample.given, first, end, total)
    assert sample.pixels.size == used.size
    groups = [used[start::63] for start in range(min(63, used.size))]
    assert total[: len(groups)].tolist() == [group.sum() for group in groups]
    if groups:
        expected = np.median([group.mean() for group in groups])
        np.testing.assert_allclose(median_of_means(total, used.size), expected, rtol=1e-14)
