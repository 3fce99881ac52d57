"""A frame's picture, decoded."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fedbragg.report.pictures import PIXELS, picture
from fedbragg.types import Frame, Spot

MARK = np.array([0xD1, 0x49, 0x1B])


def decoded(jpeg: bytes) -> NDArray[np.int_]:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")).astype(int)


def ring_pixels(image: NDArray[np.int_]) -> NDArray[np.int_]:
    """Row and column of the pixels in the marks' colour, or a shade of it: red exceeds blue."""
    return np.argwhere(image[:, :, 0] - image[:, :, 2] > 60)


def frame(rows: int, cols: int, spots: list[tuple[int, int]], masked: slice | None = None) -> Frame:
    counts = np.random.default_rng(1).poisson(3, (rows, cols)).astype(np.uint16)
    for row, column in spots:
        counts[row, column] = 500
    mask = np.zeros(counts.shape, np.bool_)
    if masked is not None:
        mask[masked] = True
    return Frame(counts, mask, "made.h5", 0)


@pytest.mark.parametrize(("rows", "cols"), [(200, 300), (1200, 900), (2527, 2463)])
def test_rings_are_drawn_around_the_spots_only(rows: int, cols: int) -> None:
    places = [(int(rows * y), int(cols * x)) for y, x in ((0.2, 0.3), (0.6, 0.8), (0.85, 0.15))]
    spots = [Spot(column, row, 500.0, 20.0) for row, column in places]
    image = decoded(picture(frame(rows, cols, places), spots))
    assert max(image.shape) <= PIXELS
    scale = image.shape[0] / rows
    red = ring_pixels(image)
    assert len(red) > 30
    centres = np.array(places) * scale
    distance = np.linalg.norm(red[:, None] - centres[None], axis=2)
    assert (distance.min(axis=1) < 9).all()
    for number, (row, column) in enumerate(centres):
        near = red[distance.argmin(axis=1) == number]
        assert near.mean(axis=0) == pytest.approx(
            [row, column], abs=2
        )  # the spot is at the centre of the ring
        assert (
            image[int(row) - 1 : int(row) + 3, int(column) - 1 : int(column) + 3].min() < 120
        )  # and is dark


def test_without_spots_nothing_is_marked() -> None:
    assert len(ring_pixels(decoded(picture(frame(200, 200, [(50, 50)]), [])))) == 0


def test_masked_pixels_are_blue() -> None:
    image = decoded(picture(frame(240, 200, [], slice(100, 140)), []))
    gap = image[110:130, 20:180].reshape(-1, 3).mean(axis=0)
    assert gap == pytest.approx([0.86 * 255, 0.90 * 255, 0.95 * 255], abs=4)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int32"])
def test_counts_of_every_dtype_and_frames_all_masked_are_drawn(dtype: str) -> None:
    counts = np.full((90, 120), np.iinfo(dtype).max, dtype)
    for masked in (True, False):
        whole = Frame(counts, np.full(counts.shape, masked), "made.h5", 0)
        assert decoded(picture(whole, [])).shape == (90, 120, 3)


def test_a_single_bright_pixel_survives_the_reduction() -> None:
    image = decoded(picture(frame(2400, 2400, [(1203, 1197)]), []))
    scale = image.shape[0] / 2400
    row, column = int(1203 * scale), int(1197 * scale)
    assert image[row - 1 : row + 2, column - 1 : column + 2].min() < 60


def test_many_rings_are_small() -> None:
    """A thousand rings at full size would hide the picture."""
    places = [(row, column) for row in range(20, 500, 15) for column in range(20, 500, 15)]
    spots = [Spot(column, row, 500.0, 20.0) for row, column in places]
    assert len(spots) == 1024
    red = ring_pixels(decoded(picture(frame(520, 520, places), spots)))
    assert 0 < len(red) < 0.25 * 520 * 520
