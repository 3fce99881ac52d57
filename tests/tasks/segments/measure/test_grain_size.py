"""The ASTM grain size number, checked on honeycombs whose size is known by geometry."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fedbragg.errors import InputError
from fedbragg.tasks.segments.instances import Classes
from fedbragg.tasks.segments.measure.fields import phase_fractions, student
from fedbragg.tasks.segments.measure.grain_size import (
    from_density,
    from_intercept,
    grain_size,
    mean_intercept,
)
from fedbragg.tasks.segments.measure.scale import read_scale
from fedbragg.tasks.segments.measure.table import instance_table


def honeycomb(side: float, size: int = 600) -> np.ndarray:
    """Return regular hexagons of a side in pixels, numbered from 1: the cells of a triangular lattice of points."""
    apart = side * math.sqrt(3)
    points = np.array(
        [
            (row * 1.5 * side, (col + row % 2 / 2) * apart)
            for row in range(-2, int(size / side / 1.5) + 3)
            for col in range(-2, int(size / apart) + 3)
        ]
    )
    from scipy.spatial import cKDTree

    pixels = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"), axis=-1).reshape(-1, 2)
    nearest = cKDTree(points).query(pixels)[1]
    return (np.unique(nearest, return_inverse=True)[1] + 1).reshape(size, size).astype(np.int32)


@pytest.mark.parametrize("side", [15.0, 30.0])
def test_the_mean_intercept_of_a_honeycomb_is_pi_area_by_perimeter(side: float) -> None:
    """Cauchy and Crofton: the mean chord of a convex cell is pi A / P, for a hexagon pi sqrt(3) s / 4."""
    found = mean_intercept(honeycomb(side))
    assert found.value == pytest.approx(math.pi * math.sqrt(3) * side / 4, rel=0.03)
    assert found.low < found.value < found.high


@pytest.mark.parametrize("side", [15.0, 30.0])
def test_both_numbers_of_a_honeycomb_are_those_of_e112(side: float) -> None:
    micrometres = 0.5
    found = grain_size(honeycomb(side), micrometres)
    area = 1.5 * math.sqrt(3) * (side * micrometres / 1000) ** 2  # square millimetre
    intercept = math.pi * math.sqrt(3) * side * micrometres / 4000  # millimetre
    assert found.by_area.value == pytest.approx(3.321928 * math.log10(1 / area) - 2.954, abs=0.1)
    assert found.by_intercepts.value == pytest.approx(-6.643856 * math.log10(intercept) - 3.288, abs=0.1)


def test_the_tables_of_e112() -> None:
    """ASTM E112, Table 4: G 8 has 1,984 grains on a square millimetre and a mean intercept of 20.0 micrometres."""
    assert from_density(1984) == pytest.approx(8.0, abs=0.01)
    assert from_intercept(0.0200) == pytest.approx(8.0, abs=0.01)
    assert from_density(31.0) == pytest.approx(2.0, abs=0.01)
    assert from_intercept(0.160) == pytest.approx(2.0, abs=0.01)


def test_a_picture_within_one_grain_has_no_size() -> None:
    assert math.isnan(mean_intercept(np.ones((50, 50), np.int32)).value)


def test_fractions_and_their_interval() -> None:
    labels = np.zeros((80, 80), np.uint8)
    labels[:, 60:] = 1  # a quarter of the area, all of it in the last column of fields
    matrix, second = phase_fractions(labels, 2)
    assert (matrix.value, second.value) == (0.75, 0.25)
    spread = np.repeat([0, 0, 0, 1], 4).std(ddof=1)
    assert second.high - second.value == pytest.approx(2.131 * spread / 4)
    assert second.low == pytest.approx(max(0.25 - 2.131 * spread / 4, 0))


def test_students_t_between_two_known_numbers_is_the_wider() -> None:
    assert student(16) == 2.131
    assert student(12) == student(9) == 2.306


def test_a_table_of_known_shapes() -> None:
    instances, labels = np.zeros((60, 80), np.int32), np.zeros((60, 80), np.uint8)
    instances[10:20, 10:50], labels[10:20, 10:50] = 1, 0
    instances[40:60, 60:80], labels[40:60, 60:80] = 2, 2
    found = instance_table(instances, labels, Classes(("matrix", "boundary", "dot")), read_scale("500nm"))
    np.testing.assert_array_equal(found.number, [1, 2])
    np.testing.assert_array_equal(found.kind, ["matrix", "dot"])
    np.testing.assert_allclose(found.area, [400 * 0.25, 400 * 0.25])
    np.testing.assert_allclose(found.diameter, math.sqrt(4 * 400 / math.pi) * 0.5)
    np.testing.assert_allclose(found.aspect_ratio, [4.0, 1.0], rtol=0.02)
    np.testing.assert_array_equal(found.touches_edge, [False, True])
    np.testing.assert_allclose([found.row[0], found.col[0]], [14.5, 29.5])


@pytest.mark.parametrize(
    ("text", "micrometres"), [("0.2um", 0.2), ("200 nm", 0.2), ("1e-3mm", 1.0), ("0.5 µm", 0.5), (None, None)]
)
def test_scales(text: str | None, micrometres: float | None) -> None:
    assert read_scale(text).micrometres == (pytest.approx(micrometres) if micrometres else None)


@pytest.mark.parametrize("text", ["", "0.2", "um", "0um", "-1um", "0.2 px", "1.2.3um", "infum"])
def test_what_is_no_scale_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--scale .*Write a number with nm, um or mm"):
        read_scale(text)
