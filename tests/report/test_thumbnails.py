"""Small pictures of scattering images."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tagged import view_of

from fedbragg.report.thumbnails import UNMEASURED, jpeg, levels, unmeasured_share


def decay(rows: int, cols: int) -> np.ndarray:
    row, col = np.mgrid[:rows, :cols]
    return (1e5 * np.exp(-np.hypot(row - rows / 2, col - cols / 2) / 12)).astype(np.int32)


def test_brightness_is_the_logarithm_of_the_counts() -> None:
    """Along a radius counts fall by e every 12 pixels, so brightness falls in even steps."""
    shown = levels(view_of(decay(200, 200)))
    along = shown[100, 110:190:12].astype(int)
    steps = -np.diff(along)
    assert steps.min() > 0
    assert steps.max() - steps.min() <= 2


@pytest.mark.parametrize("shape", [(240, 256), (241, 256), (256, 101), (255, 256), (1043, 981), (40, 30)])
def test_a_picture_has_the_images_proportions(shape: tuple[int, int]) -> None:
    shown = levels(view_of(decay(*shape) + 1))
    cells = min(256, max(shape))
    assert shown.shape == tuple(-(-size * cells // max(shape)) for size in shape)
    assert shown.min() > 0  # no border


def test_unmeasured_cells_have_their_own_level_and_colour() -> None:
    mask = np.zeros((128, 128), bool)
    mask[:, 40:60] = True
    shown = levels(view_of(decay(128, 128), mask))
    assert (shown[:, 40:60] == 0).all()
    assert (np.delete(shown, slice(40, 60), axis=1) > 0).all()
    assert unmeasured_share(shown) == pytest.approx(20 / 128)
    pixels = np.asarray(Image.open(io.BytesIO(jpeg(shown)))).astype(int)
    assert np.abs(pixels[:, 45:55] - UNMEASURED).max() < 12
    greys = np.delete(pixels, slice(32, 68), axis=1)
    assert (greys.max(axis=2) - greys.min(axis=2)).max() < 12


def test_a_flat_image_looks_flat() -> None:
    noise = np.random.default_rng(1).poisson(100_000, (64, 64)).astype(np.int32)
    shown = levels(view_of(noise))
    assert int(shown.max()) - int(shown.min()) < 10


def test_a_hot_pixel_does_not_darken_the_rest() -> None:
    image = decay(200, 200)
    plain = levels(view_of(image))
    image[3, 3] = 2_000_000_000
    assert np.abs(levels(view_of(image)).astype(int) - plain)[10:].max() <= 2


def test_small_images_are_enlarged() -> None:
    assert Image.open(io.BytesIO(jpeg(np.ones((10, 20), np.uint8)))).size == (140, 70)
    assert Image.open(io.BytesIO(jpeg(np.ones((256, 200), np.uint8)))).size == (200, 256)
