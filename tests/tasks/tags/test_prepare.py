import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.errors import FrameError
from fedbragg.tasks.tags.prepare import CELLS, FAINT, SCALE, prepare, view_of
from fedbragg.types import Frame


def frame(counts: np.ndarray, mask: np.ndarray | None = None) -> Frame:
    return Frame(counts, np.zeros(counts.shape, bool) if mask is None else mask, "run.h5", 3)


def test_a_cell_is_the_mean_of_its_valid_pixels() -> None:
    counts, mask = np.zeros((512, 512), np.int32), np.zeros((512, 512), bool)
    counts[0:2, 0:2] = [[4, 8], [6, 10_000]]
    mask[1, 1] = True
    view = prepare(frame(counts, mask))
    assert view.channels[0, 0, 0] == pytest.approx(np.log1p(6 / FAINT) / SCALE, rel=1e-6)
    assert view.channels[1, 0, 0] == 0.75
    assert view.channels[1, 0, 1] == 1.0


def test_the_spread_inside_a_cell_compares_its_largest_pixel_with_its_mean() -> None:
    counts = np.zeros((512, 512), np.uint16)
    counts[2:4, 2:4] = [[0, 0], [0, 79]]  # mean 19.75
    view = prepare(frame(counts))
    assert view.channels[2, 1, 1] == pytest.approx(np.log(80 / 20.75) / SCALE, rel=1e-5)


def test_a_strip_keeps_its_proportions_and_lies_in_the_middle() -> None:
    view = view_of(frame(np.ones((195, 1475), np.int32)))
    covered = view.channels[1] > 0
    assert covered.any(axis=0).all()
    assert covered.any(axis=1).sum() == 34  # 195 x 256 / 1475 = 33.8
    assert view.corner == ((CELLS - 34) // 2, 0)


def test_a_small_image_is_not_blown_up() -> None:
    view = view_of(frame(np.ones((40, 60), np.int32)))
    assert (view.channels[1] > 0).sum() == 40 * 60
    assert view.cell == 1.0


def test_what_is_not_finite_is_not_measured() -> None:
    counts = np.full((256, 256), 5.0, np.float32)
    counts[10, 10], counts[11, 11] = np.nan, np.inf
    view = view_of(frame(counts))
    assert view.channels[1, 10, 10] == view.channels[1, 11, 11] == 0
    assert np.isfinite(view.channels).all()


def test_negative_noise_counts_and_a_negative_mean_is_none() -> None:
    counts = np.zeros((512, 512), np.float32)
    counts[0:2, 0:2] = [[3, -1], [3, -1]]
    counts[0:2, 2:4] = -5
    view = prepare(frame(counts))
    assert view.channels[0, 0, 0] == pytest.approx(np.log1p(1 / FAINT) / SCALE, rel=1e-6)
    assert view.channels[0, 0, 1] == 0 and view.channels[1, 0, 1] == 1


@pytest.mark.parametrize("shape", [(1, 500), (500, 3), (4, 640)])
def test_a_curve_or_a_colour_picture_is_refused_with_its_name(shape: tuple[int, int]) -> None:
    with pytest.raises(
        FrameError, match=rf"run\.h5 frame 3: has {shape[0]} x {shape[1]} numbers, as a colour"
    ):
        prepare(frame(np.ones(shape, np.int32)))


@pytest.mark.parametrize("shape", [(3, 3), (15, 15)])
def test_an_image_too_small_is_refused_with_its_name(shape: tuple[int, int]) -> None:
    with pytest.raises(FrameError, match=rf"run\.h5 frame 3: has {shape[0]} x {shape[1]} pixels"):
        prepare(frame(np.ones(shape, np.int32)))


def test_an_image_without_a_valid_pixel_is_refused() -> None:
    with pytest.raises(FrameError, match="no valid pixel"):
        prepare(frame(np.ones((64, 64), np.int32), np.ones((64, 64), bool)))
    with pytest.raises(FrameError, match="no valid pixel"):
        prepare(frame(np.full((64, 64), np.nan, np.float32)))


@pytest.mark.parametrize("value", [0, 7, 0.3, -4])
@pytest.mark.parametrize("side", [64, 1000])
def test_a_constant_image_is_refused_and_one_pixel_makes_the_difference(side: int, value: float) -> None:
    counts, mask = np.full((side, side), value, np.float32), np.zeros((side, side), bool)
    counts[5, 5], mask[5, 5] = 1e6, True
    with pytest.raises(FrameError, match=r"run\.h5 frame 3: is the same everywhere"):
        prepare(frame(counts, mask))
    counts[9, 9] = 8
    assert prepare(frame(counts, mask)).channels[[0, 2]].max() > 0


@pytest.mark.parametrize("shape", [(1000, 1000), (1000, 988), (996, 1000)])
def test_the_network_reads_the_graininess_that_its_cells_have(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(4)
    counts = generator.poisson(20, shape).astype(np.int32)
    counts[400:416, 600:616] = generator.poisson(generator.gamma(0.2, 400, (16, 16)))
    view = view_of(frame(counts))
    top, left = view.corner
    squares = view.channels[3].reshape(128, 2, 128, 2)[4:-4, :, 4:-4]  # whole ones
    assert (squares.max(axis=(1, 3)) == squares.min(axis=(1, 3))).all()
    row, col = int(408 / view.cell) + top, int(608 / view.cell) + left
    assert view.channels[3, row, col] > 0.3
    assert np.mean(view.channels[3] > 0) < 0.02


@given(st.integers(5, 400), st.integers(16, 600), st.integers(0, 2**32 - 1))
def test_every_pixel_falls_into_one_cell(rows: int, cols: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    counts = generator.integers(0, 100, (rows, cols)).astype(np.int32)
    view = prepare(frame(counts))
    mean = np.expm1(view.channels[0].astype(float) * SCALE) * FAINT
    longest = max(rows, cols)
    height, width = (len({i * min(CELLS, longest) // longest for i in range(size)}) for size in (rows, cols))
    assert (view.channels[1] > 0).sum() == height * width
    if longest <= CELLS:
        top, left = view.corner
        np.testing.assert_allclose(mean[top : top + rows, left : left + cols], counts, rtol=1e-3, atol=1e-3)


@given(st.floats(-500, 1500), st.floats(-500, 1500))
def test_places_and_pixels_undo_each_other(column: float, row: float) -> None:
    view = view_of(frame(np.ones((104, 98), np.int32)))
    assert view.pixel(view.place((column, row))) == pytest.approx((column, row), abs=1e-6)


def test_the_middle_of_the_image_is_the_middle_of_the_view() -> None:
    view = view_of(frame(np.ones((1000, 600), np.int32)))
    assert view.place((299.5, 499.5)) == pytest.approx((0, 0), abs=0.01)
