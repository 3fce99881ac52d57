"""Tiles cover a picture once, and what they say together is what the whole says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fedbragg.tasks.segments.picture_file import read_mask, read_picture
from fedbragg.tasks.segments.picture_paths import find_pictures
from fedbragg.tasks.segments.prepare import prepare, scaled, scaling_of
from fedbragg.tasks.segments.tiles import number_of_tiles, segment, tiles


@given(st.integers(16, 700), st.integers(16, 700), st.sampled_from([(128, 16), (256, 32), (100, 10)]))
def test_every_pixel_is_kept_once_and_read_with_its_margin(
    rows: int, cols: int, how: tuple[int, int]
) -> None:
    size, margin = how
    kept = np.zeros((rows, cols), int)
    for tile in tiles((rows, cols), size, margin):
        kept[tile.kept] += 1
        for read, inside, length in zip(tile.read, tile.kept, (rows, cols), strict=True):
            assert read.start >= 0 and read.stop <= length
            assert inside.start - read.start >= (margin if read.start > 0 else 0)
            assert read.stop - inside.stop >= (margin if read.stop < length else 0)
    assert (kept == 1).all()


def test_a_local_answer_does_not_depend_on_the_tiles() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (1300, 530), dtype=np.uint8)

    def forward(pictures: np.ndarray) -> np.ndarray:
        assert pictures.shape[2] % 64 == pictures.shape[3] % 64 == 0
        return np.stack([pictures[:, 0], -pictures[:, 0]], axis=1)

    found = segment(picture, forward)
    np.testing.assert_allclose(found[0].astype(float), prepare(picture)[0], atol=2e-3)
    assert number_of_tiles((1300, 530)) == 2 and number_of_tiles((2048, 2048)) == 4


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_scaling_does_not_depend_on_depth_gain_or_offset(dtype: type) -> None:
    levels = np.random.default_rng(2).integers(20, 200, (64, 64))
    first = prepare(levels.astype(dtype))
    second = prepare((levels * (1 if dtype == np.uint8 else 200) + 30).astype(dtype))
    np.testing.assert_allclose(first, second, atol=1e-4)
    low, high = np.percentile(levels, [1, 99])
    assert first.shape == (3, 64, 64)
    np.testing.assert_allclose(first[0], np.clip((2 * levels - low - high) / (high - low), -2, 2), atol=1e-4)


def test_outliers_do_not_darken_the_rest() -> None:
    picture = np.random.default_rng(3).integers(100, 120, (64, 64)).astype(np.uint16)
    picture[5, 5] = 65535
    assert prepare(picture)[0].std() > 0.4
    assert prepare(picture).max() == 2.0


def test_a_constant_picture_is_no_division_by_zero() -> None:
    assert np.isfinite(prepare(np.full((32, 32), 7, np.uint8))).all()


def test_colours_keep_their_relation() -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[:16], picture[..., 0] = 100, 200
    shown = scaled(picture, scaling_of(picture))
    assert (shown[0] >= shown[1]).all() and (shown[1] == shown[2]).all()


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "LA", "I;16"])
def test_pictures_of_every_kind_are_read(tmp_path: Path, name: str, mode: str) -> None:
    path = tmp_path / name
    levels = np.random.default_rng(1).integers(0, 255, (40, 30), dtype=np.uint8)
    image = (
        Image.fromarray(levels.astype(np.uint16) * 257)
        if mode == "I;16"
        else Image.fromarray(levels).convert(mode)
    )
    if name.endswith("bmp") and mode in ("I;16", "LA"):
        pytest.skip("a BMP holds no such picture")
    image.save(path)
    picture = read_picture(path)
    assert picture.shape[:2] == (40, 30)
    if mode in ("L", "RGB", "LA"):
        np.testing.assert_array_equal(picture if picture.ndim == 2 else picture[..., 0], levels)
    if mode == "I;16":
        np.testing.assert_array_equal(picture, levels.astype(np.uint16) * 257)


def test_a_palette_mask_holds_its_indices(tmp_path: Path) -> None:
    indices = np.random.default_rng(1).integers(0, 3, (20, 20), dtype=np.uint8)
    image = Image.frombytes("P", (20, 20), indices.tobytes())
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 0, 255])
    path = tmp_path / "mask.png"
    image.save(path)
    np.testing.assert_array_equal(read_mask(path, (20, 20), 3), indices)


def test_folders_and_globs_are_in_natural_order(tmp_path: Path) -> None:
    folder = tmp_path
    for name in ("p10.png", "p2.tif", "p1.png", "note.txt"):
        (folder / name).write_bytes(b"")
    assert [path.name for path in find_pictures([str(folder)])] == ["p1.png", "p2.tif", "p10.png"]
    assert [path.name for path in find_pictures([str(folder / "*1*.png"), str(folder / "note.txt")])] == [
        "p1.png",
        "p10.png",
        "note.txt",
    ]
