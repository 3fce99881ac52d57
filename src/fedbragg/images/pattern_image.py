"""A detector image -> a Pattern, integrated by pyFAI with a .poni file or the geometry that the image itself gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedbragg.errors import InputError, MissingExtraError, RunError
from fedbragg.images.run import open_run
from fedbragg.types import Frame, Geometry, Pattern

POINTS = 2000
"""Points of the integrated pattern, from centre to the farthest corner."""
SPOT_LIMIT = 5.0
"""Standard deviations of its ring beyond which a pixel belongs to a spot."""
LEAST_PIXELS = 4
"""Pixels without which a ring says nothing."""


@dataclass(frozen=True, slots=True)
class Integration:
    """How images become patterns."""

    poni: Path | None = None  # pyFAI's file of the geometry; None takes the image's own
    mask_spots: bool = False  # leave single grains' spots out


def integrate(path: Path, settings: Integration, wavelength: float | None = None) -> Pattern:
    """Return the first frame of an image file as a pattern; ``wavelength`` (angstrom) overrules the geometry's.

    Raises InputError where file or geometry cannot be used, MissingExtraError without pyFAI.
    """
    run = open_run(str(path))
    if len(run) == 0:
        raise RunError(f"{path}: holds no frame.")
    frame = run[0]
    integrator = _integrator(path, settings.poni, run.geometry, frame.counts.shape)
    if wavelength is not None:
        integrator.wavelength = wavelength * 1e-10
    if integrator.wavelength is None:
        raise InputError(
            f"{path}: neither geometry nor image gives a wavelength. Give --wavelength in angstrom."
        )
    return _pattern(path, frame, integrator, mask_spots=settings.mask_spots)


def _pattern(path: Path, frame: Frame, integrator: Any, *, mask_spots: bool) -> Pattern:
    options: dict[str, Any] = {"mask": frame.mask, "unit": "q_A^-1", "correctSolidAngle": True}
    image = frame.counts.astype(np.float32)
    if mask_spots:
        result = integrator.sigma_clip(
            image, POINTS, thresh=SPOT_LIMIT, max_iter=5, method=("no", "csr", "cython"), **options
        )
    else:
        result = integrator.integrate1d(image, POINTS, method=("bbox", "csr", "cython"), **options)
    filled = np.asarray(result.count) >= LEAST_PIXELS
    if filled.sum() < 64:
        raise InputError(f"{path}: after masking, {filled.sum()} rings are left. Check mask and geometry.")
    q, intensity = np.asarray(result.radial, float)[filled], np.asarray(result.intensity, float)[filled]
    return Pattern(q, intensity, str(path))


def _integrator(path: Path, poni: Path | None, geometry: Geometry, shape: tuple[int, ...]) -> Any:
    try:
        from pyFAI.integrator.azimuthal import AzimuthalIntegrator
    except ImportError:
        raise MissingExtraError(
            "images are integrated by pyFAI, which is not installed: pip install 'fedbragg[phases]'."
        ) from None
    if poni is not None:
        return _from_poni(poni)
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


def _from_poni(poni: Path) -> Any:
    import pyFAI

    if not poni.is_file():
        raise InputError(f"{poni}: no such file. Give a .poni file of pyFAI.")
    try:
        return pyFAI.load(str(poni))
    except Exception as error:  # pyFAI's errors share no base class
        raise InputError(f"{poni}: not a .poni file ({type(error).__name__}: {error}).") from None
