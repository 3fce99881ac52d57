"""Integrate a detector image to a pattern by pyFAI, with a .poni file or the image's own geometry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import InputError, MissingExtraError, RunError
from fedbragg.images.frame_address import open_named
from fedbragg.types import Frame, Geometry, Pattern

POINTS = 2000
"""Points of the integrated pattern, from centre to the farthest corner."""
RING = 0.01
"""Width in 1/angstrom of the rings in which spots are found."""
SPOT_LIMIT = 6.0
"""Standard deviations above its ring's median from which a pixel belongs to a spot."""
FEWEST_RINGS = 64
"""With fewer rings an image gives no pattern."""
LEAST_PIXELS = 4
"""With fewer pixels a ring is left out."""


@dataclass(frozen=True, slots=True)
class Integration:
    """Settings for turning images into patterns."""

    poni: Path | None = None  # pyFAI's file of the geometry; None takes the image's own
    mask_spots: bool = False  # leave out the spots of single grains


def integrate(path: Path, settings: Integration, wavelength: float | None = None) -> Pattern:
    """Return an image as a pattern; ``wavelength`` (angstrom) replaces the geometry's.

    ``path`` is FILE, or FILE:FRAME where the file has several. Raises InputError where file or geometry cannot be
    used, MissingExtraError without pyFAI.
    """
    run, index = open_named(str(path))
    if len(run) == 0:
        raise RunError(f"{path}: holds no frame.")
    if index is None and len(run) > 1:
        raise InputError(
            f"{path}: holds {len(run)} frames. Name one: {path}:0 is the first, {path}:{len(run) - 1} the last."
        )
    frame = run[index or 0]
    integrator = _integrator(path, settings.poni, run.geometry, frame.counts.shape)
    if wavelength is not None:
        integrator.wavelength = wavelength * 1e-10
    if integrator.wavelength is None:
        raise InputError(
            f"{path}: neither geometry nor image gives a wavelength. Give --wavelength in angstrom."
        )
    return _pattern(path, frame, integrator, mask_spots=settings.mask_spots)


def _pattern(path: Path, frame: Frame, integrator: Any, *, mask_spots: bool) -> Pattern:
    image = frame.counts.astype(np.float32)
    mask = frame.mask | _spots(frame, integrator) if mask_spots else frame.mask
    result = integrator.integrate1d(
        image, POINTS, mask=mask.astype(np.int8), unit="q_A^-1", method=("bbox", "csr", "cython")
    )
    filled = (np.asarray(result.count) >= LEAST_PIXELS) & np.isfinite(result.intensity)
    if filled.sum() < FEWEST_RINGS:
        raise InputError(f"{path}: after masking, {filled.sum()} rings are left. Check mask and geometry.")
    q, intensity = np.asarray(result.radial, float)[filled], np.asarray(result.intensity, float)[filled]
    return Pattern(q, intensity, str(path))


def _spots(frame: Frame, integrator: Any) -> NDArray[np.bool_]:
    """Return the pixels far above the median of their ring: single grains, not powder."""
    q = np.asarray(integrator.center_array(frame.counts.shape, unit="q_A^-1"))
    good = np.flatnonzero(~frame.mask)
    values = frame.counts.ravel()[good].astype(np.float64)
    ring = (q.ravel()[good] / RING).astype(np.int64)
    middle = _medians(values, ring)
    scatter = 1.4826 * _medians(np.abs(values - middle[ring]), ring)
    limit = middle + SPOT_LIMIT * np.maximum(scatter, np.sqrt(np.maximum(middle, 1.0)))
    spots = np.zeros(frame.counts.size, dtype=np.bool_)
    spots[good[values > limit[ring]]] = True
    return spots.reshape(frame.counts.shape)


def _medians(values: NDArray[np.float64], ring: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the median of each ring's values, (rings,); 0 for a ring without any."""
    ordered = values[np.lexsort((values, ring))]
    number = np.bincount(ring)
    first = np.cumsum(number) - number
    middle = np.minimum(first + number // 2, len(values) - 1)
    return np.where(number > 0, ordered[middle], 0.0)


def _integrator(path: Path, poni: Path | None, geometry: Geometry, shape: tuple[int, ...]) -> Any:
    try:
        from pyFAI.integrator.azimuthal import AzimuthalIntegrator
    except ImportError:
        raise MissingExtraError(
            "images are integrated by pyFAI, which is not installed: pip install 'fedbragg[phases]'."
        ) from None
    if poni is not None:
        return _from_poni(poni, path, shape)
    parts = (geometry.distance, geometry.beam_centre, geometry.pixel_size)
    if None in parts:
        raise InputError(f"{path}: the image gives no full geometry. Give --poni, a .poni file of pyFAI.")
    distance, (column, row), (width, height) = parts  # type: ignore[misc]
    wavelength = None if geometry.wavelength is None else geometry.wavelength * 1e-10
    return AzimuthalIntegrator(
        dist=distance,
        poni1=(row + 0.5) * height,  # pyFAI counts from the first pixel's edge, we from its centre
        poni2=(column + 0.5) * width,
        pixel1=height,
        pixel2=width,
        wavelength=wavelength,
    )


def _from_poni(poni: Path, path: Path, shape: tuple[int, ...]) -> Any:
    import pyFAI

    if not poni.is_file():
        raise InputError(f"{poni}: no such file. Give a .poni file of pyFAI.")
    try:
        integrator = pyFAI.load(str(poni))
    except Exception as error:  # pyFAI's errors share no base class
        raise InputError(f"{poni}: not a .poni file ({type(error).__name__}: {error}).") from None
    meant = integrator.detector.shape
    if meant is not None and tuple(meant) != shape:
        there, here = (" x ".join(map(str, pixels)) for pixels in (meant, shape))
        raise InputError(
            f"{poni}: for a detector of {there} pixels; {path} has {here}. Give the image's own."
        )
    return integrator
