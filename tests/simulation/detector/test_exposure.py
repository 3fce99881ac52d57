"""Photons of spots are counted where the spots are; where nothing is expected nothing is counted."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.simulation.detector.exposure import add_counted_spots, draw_counts

POINT = np.array([[0.0, 0.0, 1.0]])


def counted(spot: list[float], outline: np.ndarray = POINT) -> tuple[np.ndarray, float]:
    """Return the image (81, 81) of one spot and its photons."""
    image = np.zeros((81, 81), np.int32)
    photons = add_counted_spots(np.array([spot]), outline, np.zeros(image.shape, bool), np.uint64(8), image)
    return image, float(photons[0])


def test_a_spot_keeps_its_photons_and_its_position() -> None:
    image, photons = counted([40.3, 39.6, 1e6, 1.2, 0.0, 0.0])
    rows, cols = np.indices(image.shape)
    assert image.sum() == photons == pytest.approx(1e6, rel=0.01)
    assert (image * cols).sum() / photons == pytest.approx(40.3, abs=0.02)
    assert (image * rows).sum() / photons == pytest.approx(39.6, abs=0.02)


def test_a_spot_is_stretched_along_its_line() -> None:
    image, photons = counted([40.0, 40.0, 1e5, 0.8, 3.0, 0.0])
    rows, cols = np.indices(image.shape)
    along = (image * (cols - 40) ** 2).sum() / photons
    across = (image * (rows - 40) ** 2).sum() / photons
    assert across < 3
    assert along > 2 * across


def test_photons_in_a_gap_are_not_counted() -> None:
    image = np.zeros((40, 40), np.int32)
    gap = np.zeros(image.shape, bool)
    gap[:, 20:] = True
    photons = add_counted_spots(
        np.array([[19.5, 20.0, 10000.0, 1.0, 0.0, 0.0]]), POINT, gap, np.uint64(8), image
    )
    assert photons[0] == pytest.approx(5000, rel=0.06)
    assert not image[gap].any()


def test_no_expected_photons_give_no_counts() -> None:
    counts = np.full((3, 4), 7, np.int32)
    draw_counts(np.zeros((3, 4), np.float32), np.uint64(1), counts)
    assert not counts.any()
