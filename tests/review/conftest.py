"""A small run with a geometry, a mask, a saturated pixel and a file in between that cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedbragg.images import write_run
from fedbragg.types import Geometry

GEOMETRY = Geometry(
    detector="made", wavelength=1.0, distance=0.1, beam_centre=(150.0, 120.0), pixel_size=(1e-4, 1e-4)
)
SHAPE = (256, 300)
SATURATED = (30, 40)
UNREADABLE = 4
"""The frame between the two files' frames."""


def counts_of(number: int) -> np.ndarray:
    """Return a frame; every second one has spots."""
    rng = np.random.default_rng(number)
    expected = np.full(SHAPE, 3.0)
    if number % 2 == 0:
        row, col = np.mgrid[: SHAPE[0], : SHAPE[1]]
        for r, c in rng.uniform(20, 230, (25, 2)):
            expected += 60 * np.exp(-((row - r) ** 2 + (col - c) ** 2) / (2 * 1.2**2))
    counts = rng.poisson(expected).astype(np.uint16)
    counts[SATURATED] = 5000
    return counts


def write_files(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    mask = np.zeros(SHAPE, bool)
    mask[:, 100:104] = True
    for name, numbers in (("a.h5", range(4)), ("c.h5", range(4, 6))):
        write_run(folder / name, map(counts_of, numbers), geometry=GEOMETRY, mask=mask, saturation=1000)
    (folder / "b.cbf").write_bytes(b"###CBF: VERSION 1.5\r\nno picture follows")


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 7 frames in three files."""
    folder = tmp_path_factory.mktemp("review") / "run"
    write_files(folder)
    return folder


@pytest.fixture
def forty(tmp_path: Path) -> Path:
    """A folder with one file of 40 frames, run.h5."""
    write_run(tmp_path / "run.h5", map(counts_of, range(40)), geometry=GEOMETRY)
    return tmp_path
