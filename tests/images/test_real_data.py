"""Every measured file opens with the shape, dtype and mask that its detector gives it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedbragg.images import open_run, read_labels
from fedbragg.types import Frame

PILATUS_6M, PILATUS_2M, PILATUS_300K, PILATUS_200K = (2527, 2463), (1679, 1475), (619, 487), (407, 487)
KINDS = [
    # pattern, files, shape, dtype, fewest and most masked pixels
    ("stills/thaumatin-i24/*", 11, PILATUS_6M, "i4", 526_101 + 600, 526_101 + 700),
    ("stills/l-cysteine-i19/*", 32, PILATUS_2M, "i4", 197_365, 197_365 + 300),
    ("stills/nuclease-ccd/*", 5, (1024, 1024), "u2", 0, 0),
    ("stills/i03/*", 1, PILATUS_6M, "i4", 526_101, 526_101 + 1300),
    ("scattering/chess-saxswaxs/*PIL5*", 2, PILATUS_300K, "i4", 16_558, 16_600),
    ("scattering/chess-saxswaxs/*PIL9*", 2, PILATUS_200K, "i4", 8_279, 8_300),
    ("scattering/chess-saxswaxs/*PIL11*", 2, PILATUS_200K, "i4", 8_279, 8_300),
    ("scattering/gisaxs/*.cbf.bz2", 1, PILATUS_2M, "i4", 197_365, 198_000),
    ("scattering/gisaxs/*.tif.bz2", 1, (619, 915), "u2", 31_126, 31_126),
    ("scattering/silver-behenate/*", 2, (1043, 981), "i4", 0, 0),
    ("powder2d/EIG500*", 1, (512, 1028), "u4", 1_000, 1_200),
    ("powder2d/ceria*", 1, PILATUS_2M, "i4", 197_365, 204_000),
]
"""A Pilatus 6M has 526,101 pixels in its gaps, a 2M 197,365; the rest are dead, hot or saturated ones."""


@pytest.mark.parametrize(("pattern", "files", "shape", "dtype", "fewest", "most"), KINDS)
def test_a_measured_file_has_its_detectors_shape_dtype_and_mask(
    real_data: Path, pattern: str, files: int, shape: tuple[int, int], dtype: str, fewest: int, most: int
) -> None:
    run = open_run(str(real_data / pattern))
    assert len(run) == files
    for frame in run.frames():
        assert isinstance(frame, Frame), frame
        assert frame.counts.shape == frame.mask.shape == shape
        assert frame.counts.dtype == np.dtype(dtype)
        assert fewest <= int(frame.mask.sum()) <= most
        assert int(frame.counts[~frame.mask].min()) >= 0


def test_the_thaumatin_scan_has_its_geometry(real_data: Path) -> None:
    geometry = open_run(real_data / "stills" / "thaumatin-i24").geometry
    assert geometry.detector == "PILATUS3 6M, S/N 60-0119"
    assert geometry.wavelength == 0.96859
    assert geometry.distance == 0.351
    assert geometry.beam_centre == (1261.61, 1306.96)
    assert geometry.pixel_size == (172e-6, 172e-6)


def spread_around(counts: np.ndarray, column: float, row: float) -> float:
    """Return how much log counts vary at equal distance from a point; least where the rings have their centre."""
    rows, cols = np.mgrid[: counts.shape[0] : 3, : counts.shape[1] : 3]
    distance = np.hypot(rows - row, cols - column)
    ring = (distance > 80) & (distance < 350)
    number, values = (distance[ring] / 3).astype(int), np.log1p(counts[::3, ::3][ring])
    pixels = np.maximum(np.bincount(number), 1)
    variance = np.bincount(number, values**2) / pixels - (np.bincount(number, values) / pixels) ** 2
    return float((variance * pixels).sum() / pixels.sum())


def test_the_ccd_headers_beam_centre_is_the_centre_of_the_rings(real_data: Path) -> None:
    """ADSC's x runs down the rows: taken the other way round the centre is off by 33 pixels."""
    run = open_run(real_data / "stills" / "nuclease-ccd")
    assert run.geometry.distance == pytest.approx(0.05743)
    assert run.geometry.beam_centre == pytest.approx((42.64 / 0.08, 40.02 / 0.08))
    counts = run[0].counts.astype(np.float64)
    column, row = run.geometry.beam_centre or (0.0, 0.0)
    assert spread_around(counts, column, row) < 0.5 * spread_around(counts, row, column)


def test_every_still_has_a_label(real_data: Path) -> None:
    labels = read_labels(real_data / "labels.csv")
    run = open_run(real_data / "stills")
    assert len(run) == 49
    assert all(labels.label(frame.path, frame.index) is not None for frame in run.frames())


@pytest.mark.parametrize("name", ["stills/thaumatin-i24", "scattering", "powder2d"])
def test_counts_equal_those_that_fabio_and_h5py_give(real_data: Path, name: str) -> None:
    import fabio
    import h5py

    for frame in open_run(real_data / name).frames(0, 2):
        assert isinstance(frame, Frame)
        if frame.path.endswith((".h5", ".hdf5")):
            with h5py.File(frame.path) as file:
                place = "entry/data/data" if "EIG500" in frame.path else "imageseries/images"
                expected = file[place][0]
        else:
            expected = fabio.open(frame.path).data
        np.testing.assert_array_equal(frame.counts, expected)
