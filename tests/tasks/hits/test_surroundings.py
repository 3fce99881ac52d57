"""The measures of a peak's surroundings: by hand, by a plain sum, and the same in every direction."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from fedbragg.read_only import read_only
from fedbragg.tasks.hits.prepare import CHANNELS, CONTEXT, PROFILE
from fedbragg.tasks.hits.surroundings import AROUND, MANY, MEASURES, measure_few, measures_of
from fedbragg.types import View

CORE, WINGS, RIM, MASKED = range(len(CHANNELS))
SHAPES = len(PROFILE) + len(CONTEXT)


def random_channels(seed: int, rows: int = 20, cols: int = 25) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    channels = generator.random((len(CHANNELS), rows, cols), np.float32)
    peak = generator.random((rows, cols)) < 0.15
    channels[CORE] = np.where(peak, 1 + 3 * channels[CORE], 0)
    channels[WINGS] = np.where(peak, 3 * channels[WINGS], 0)
    channels[RIM] = np.where(peak, 6 * channels[RIM] - 2, 0)
    channels[MASKED] = np.where(channels[MASKED] > 0.9, channels[MASKED], 0)
    return channels


def seen(
    channels: NDArray[np.float32], cells: NDArray[np.int64], profiles: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return the measures of cells whose peaks have empty profiles, unless given."""
    shapes = np.zeros((len(cells), SHAPES), np.float32) if profiles is None else profiles
    return measures_of(View(channels, channels[0], cells.astype(np.int64), shapes, 8))


def plain(channels: NDArray[np.float32], row: int, col: int) -> list[float]:
    """Return what the text says: averages and maxima of maps cut from the padded frame."""
    padded = np.pad(channels.astype(np.float64), ((0, 0), (4, 4), (4, 4)))
    padded[MASKED] = np.pad(channels[MASKED].astype(np.float64), 4, constant_values=1)
    core, wings, rim, masked = padded[:, row : row + 9, col : col + 9]
    peak = core > np.log(5)
    maps = [core, wings, rim, masked, peak, rim > 1, rim < -1]
    maps += [peak * np.maximum(core - wings, 0), peak * np.maximum(rim, 0)]
    numbers = [float(plane[4, 4]) for plane in (core, wings, rim, masked)]
    for reach in (1, 2, 4):
        near = [plane[4 - reach : 5 + reach, 4 - reach : 5 + reach] for plane in maps]
        numbers += [float(plane.mean()) for plane in near] + [float(plane.max()) for plane in near[:3]]
    lines = [core[4].mean(), core[:, 4].mean(), np.diag(core).mean(), np.diag(core[:, ::-1]).mean()]
    return [*numbers, max(lines), min(lines)]


@pytest.mark.parametrize("seed", range(3))
def test_the_measures_are_those_of_a_plain_sum(seed: int) -> None:
    channels = random_channels(seed)
    cells = np.argwhere(channels[CORE] > 0)
    expected = [plain(channels, row, col) for row, col in cells]
    for taken in (slice(None), slice(0, 5)):  # many peaks, and few
        measured = seen(channels, cells[taken])[:, :AROUND]
        np.testing.assert_allclose(measured, expected[taken], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("shape", [(20, 25), (3, 40), (40, 3), (1, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_many_peaks_are_measured_as_each_by_itself(seed: int, shape: tuple[int, int]) -> None:
    """Bit for bit; cells in any order, for a turned View lists them so."""
    channels = random_channels(seed, *shape)
    channels[CORE, 0, 0] = 2.0
    cells = np.random.default_rng(seed).permutation(np.argwhere(channels[CORE] > 0))
    assert len(cells) > MANY * channels[0].size
    alone = np.zeros((len(cells), AROUND - len(CHANNELS) - 2), np.float32)
    measure_few(read_only(channels), read_only(cells.astype(np.int64)), alone)
    np.testing.assert_array_equal(seen(channels, cells)[:, len(CHANNELS) : AROUND - 2], alone)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("mirrored", [False, True])
def test_surroundings_do_not_change_under_rotations_and_mirrors(
    seed: int, turns: int, mirrored: bool
) -> None:
    """A rotated View lists its peaks in another order, so they are matched by position."""
    channels = random_channels(seed)
    places = np.arange(20 * 25).reshape(20, 25)

    def moved(values: NDArray[np.generic]) -> NDArray[np.generic]:
        turned = np.rot90(values, turns, axes=(-2, -1))
        return np.ascontiguousarray(turned[..., ::-1] if mirrored else turned)

    other_channels = moved(channels)
    before, after = (np.argwhere(planes[CORE] > 0) for planes in (channels, other_channels))
    measures, other = seen(channels, before), seen(other_channels, after)  # type: ignore[arg-type]
    order = moved(places)[after[:, 0], after[:, 1]].argsort()
    assert measures.shape == (len(before), MEASURES)
    assert len(before) > 20
    np.testing.assert_allclose(other[order], measures, atol=1e-5, rtol=1e-5)


def test_surroundings_depend_on_the_cells_around() -> None:
    """The same peak alone, among others and on a line has three different measures."""
    alone = np.zeros((len(CHANNELS), 15, 15), np.float32)
    alone[CORE, 7, 7] = 3.0
    crowd, line = alone.copy(), alone.copy()
    for place in ((5, 8), (9, 6), (6, 10), (8, 4)):
        crowd[CORE][place] = 3.0
    line[CORE, 7, [5, 6, 8, 9]] = 3.0
    middle = np.array([[7, 7]])
    one, two, three = (seen(channels, middle)[0, :AROUND] for channels in (alone, crowd, line))
    assert one[-2] == pytest.approx(3.0 / 9)  # highest mean over 9 cells along a line: the peak alone
    assert three[-2] == pytest.approx(5 * 3.0 / 9)
    assert three[-1] == pytest.approx(3.0 / 9)
    assert two[-2] < three[-2]
    assert one[4] == pytest.approx(3 / 9) and two[4 + 12] == pytest.approx(9 / 25)
    assert three[4 + 24 + 4] == pytest.approx(5 / 81)  # share of cells with a peak
    assert not math.isclose(float(one.sum()), float(two.sum()))


def test_a_peaks_own_shape_is_among_its_measures_and_what_an_old_model_does_not_know_is_zero() -> None:
    channels, middle = np.zeros((len(CHANNELS), 9, 9), np.float32), np.array([[4, 4]])
    shape = np.arange(float(SHAPES), dtype=np.float32)[None]
    np.testing.assert_array_equal(seen(channels, middle, shape)[:, AROUND:], shape)
    older = seen(channels, middle, shape[:, : len(PROFILE)])[0, AROUND:]
    assert older.tolist() == [*range(len(PROFILE)), *[0] * len(CONTEXT)]


def test_pixels_beyond_the_frame_count_as_masked() -> None:
    """A peak in the corner has the measures of one in the middle whose other neighbours are all masked."""
    corner, middle = (np.zeros((len(CHANNELS), 20, 20), np.float32) for _ in range(2))
    corner[CORE, 0, 0] = middle[CORE, 10, 10] = 3.0
    middle[MASKED, :10, :] = middle[MASKED, :, :10] = 1.0
    here, there = seen(corner, np.array([[0, 0]])), seen(middle, np.array([[10, 10]]))
    np.testing.assert_allclose(here, there, rtol=1e-6)


def test_a_frame_without_peaks_has_no_measures() -> None:
    assert seen(np.zeros((len(CHANNELS), 5, 6), np.float32), np.empty((0, 2))).shape == (0, MEASURES)
