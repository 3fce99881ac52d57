"""Images become patterns: a ring lies at its q, spots can be left out, geometry comes from a file or the image."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from fedbragg.errors import InputError

pytest.importorskip("pyFAI", reason="pip install 'fedbragg[phases]'")

from fedbragg.tasks.phases.files.integrate import Integration, integrate

DATA = Path(os.environ.get("FEDBRAGG_DATA", Path(__file__).parents[5] / "shared" / "data"))
PIXEL, DISTANCE, WAVELENGTH = 2e-4, 0.15, 0.5608
CENTRE = (200.0, 180.0)  # column and row, pixels
PONI = """poni_version: 2
Detector: Detector
Detector_config: {"pixel1": 2e-4, "pixel2": 2e-4, "max_shape": [360, 400]}
Distance: 0.15
Poni1: 0.0361
Poni2: 0.0401
Rot1: 0.0
Rot2: 0.0
Rot3: 0.0
Wavelength: 5.608e-11
"""


@pytest.fixture
def ring(tmp_path: Path) -> tuple[Path, Path]:
    """Draw a powder ring at 10.60 degrees with one bright spot far from it."""
    rows, cols = np.mgrid[:360, :400]
    radius = np.hypot(rows - CENTRE[1], cols - CENTRE[0]) * PIXEL
    two_theta = np.degrees(np.arctan(radius / DISTANCE))
    image = 100 + 400 * np.exp(-(((two_theta - 10.60) / 0.08) ** 2))
    image[(rows - 180) ** 2 + (cols - 130) ** 2 < 9] = 30_000
    np.save(tmp_path / "ring.npy", image.astype(np.int32))
    (tmp_path / "geometry.poni").write_text(PONI)
    return tmp_path / "ring.npy", tmp_path / "geometry.poni"


def test_one_frame_of_several_must_be_named(ring: tuple[Path, Path], tmp_path: Path) -> None:
    image, poni = ring
    alone = integrate(image, Integration(poni))
    stack = tmp_path / "stack.h5"
    with h5py.File(stack, "w") as file:
        shown = np.load(image)
        file["entry/data/data"] = np.stack([np.zeros_like(shown), shown])
    with pytest.raises(
        InputError, match=r"holds 2 frames. Name one: .*stack.h5:0 is the first, .*stack.h5:1 the"
    ):
        integrate(stack, Integration(poni))
    with pytest.raises(InputError, match="has 2 frames; give one from 0 to 1, not 2"):
        integrate(tmp_path / "stack.h5:2", Integration(poni))
    assert np.allclose(integrate(tmp_path / "stack.h5:1", Integration(poni)).intensity, alone.intensity)


def test_a_ring_lies_at_its_q(ring: tuple[Path, Path]) -> None:
    image, poni = ring
    pattern = integrate(image, Integration(poni, mask_spots=True))
    inner = (pattern.q > 1) & (pattern.q < 2.8)
    peak = pattern.q[inner][np.argmax(pattern.intensity[inner])]
    assert peak == pytest.approx(4 * np.pi / WAVELENGTH * np.sin(np.radians(5.30)), abs=0.01)
    assert (np.diff(pattern.q) > 0).all()


def test_spots_are_left_out_only_when_asked(ring: tuple[Path, Path]) -> None:
    image, poni = ring
    radius = 70 * PIXEL
    spot_q = 4 * np.pi / WAVELENGTH * np.sin(np.arctan(radius / DISTANCE) / 2)
    rise = {}
    for masked in (False, True):
        pattern = integrate(image, Integration(poni, masked))
        rise[masked] = np.interp(spot_q, pattern.q, pattern.intensity)
    assert rise[False] > 300
    assert rise[True] < 150


def test_a_given_wavelength_replaces_the_geometrys(ring: tuple[Path, Path]) -> None:
    image, poni = ring
    once, twice = (integrate(image, Integration(poni), w) for w in (WAVELENGTH, 2 * WAVELENGTH))
    assert twice.q[-1] == pytest.approx(once.q[-1] / 2, rel=1e-3)


def test_a_missing_geometry_and_a_missing_poni_are_reported(ring: tuple[Path, Path], tmp_path: Path) -> None:
    image, _ = ring
    with pytest.raises(InputError, match="--poni"):
        integrate(image, Integration())
    with pytest.raises(InputError, match="no such file"):
        integrate(image, Integration(tmp_path / "none.poni"))


@pytest.mark.skipif(not (DATA / "stills" / "i03").is_dir(), reason="the measured frames are not here")
def test_the_images_own_geometry_is_used() -> None:
    """A Pilatus header gives distance, beam and wavelength; q grows from near zero to the corner's."""
    image = next(path for path in sorted((DATA / "stills" / "i03").iterdir()) if ".cbf" in path.name)
    pattern = integrate(image, Integration())
    assert pattern.q[0] < 0.2
    assert 2 < pattern.q[-1] < 12
    assert np.isfinite(pattern.intensity).all()


def test_a_geometry_of_another_detector_is_refused(ring: tuple[Path, Path], tmp_path: Path) -> None:
    image, poni = ring
    poni.write_text(PONI.replace("[360, 400]", "[195, 487]"))
    with pytest.raises(InputError, match=r"for a detector of 195 x 487 pixels; .* has 360 x 400"):
        integrate(image, Integration(poni))
    poni.write_text(PONI.replace("[360, 400]", "null"))  # any shape will do
    assert integrate(image, Integration(poni)).q.size > 100
