"""Positions of a detector's sensors, and the geometric factors on each pixel's photons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.beamline import Beam, Detector

_HALF_HOLE = 46  # pixel, half the width of the hole between the quadrants of a pinwheel


def gaps(detector: Detector) -> NDArray[np.bool_]:
    """Return (rows, cols), True where there is no sensor."""
    rows = np.arange(detector.rows) + detector.window[0]
    cols = np.arange(detector.cols) + detector.window[1]
    if detector.module == (0, 0):
        return np.zeros((detector.rows, detector.cols), bool)
    if detector.layout == "pinwheel":
        return _pinwheel(detector, rows, cols)
    between_rows = rows % (detector.module[0] + detector.gap[0]) >= detector.module[0]
    between_cols = cols % (detector.module[1] + detector.gap[1]) >= detector.module[1]
    return between_rows[:, None] | between_cols[None, :]


def _pinwheel(detector: Detector, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return the gaps of four quadrants around a square hole, each rotated by 90 degrees (CSPAD)."""
    down = rows[:, None] - (detector.beam_centre[1] + detector.window[0])
    right = cols[None, :] - (detector.beam_centre[0] + detector.window[1])
    height, width = (detector.module[i] + detector.gap[i] for i in (0, 1))
    gap = np.zeros((len(rows), len(cols)), bool)
    for turn in range(4):
        u, v = ((right, down), (down, -right), (-right, -down), (-down, right))[turn]
        quadrant = (u >= -_HALF_HOLE) & (v > _HALF_HOLE)
        outside = (u + _HALF_HOLE) % width >= detector.module[1]
        outside = outside | ((v - _HALF_HOLE) % height >= detector.module[0])
        gap |= quadrant & outside
    return gap | ((abs(down) <= _HALF_HOLE) & (abs(right) <= _HALF_HOLE))


def pixels_beside(gap: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels (rows, cols) beside a gap; their sensors extend into it, so they collect more photons."""
    near = np.zeros_like(gap)
    near[1:] |= gap[:-1]
    near[:-1] |= gap[1:]
    near[:, 1:] |= gap[:, :-1]
    near[:, :-1] |= gap[:, 1:]
    return np.asarray(near & ~gap)


def radius(detector: Detector) -> NDArray[np.float32]:
    """Return (rows, cols), each pixel's distance from the beam in pixels."""
    x, y = _offset_from_beam(detector)
    return np.sqrt(x * x + y * y)


def transmission(detector: Detector, beam: Beam) -> NDArray[np.float32]:
    """Return (rows, cols): polarisation, solid angle, sensor absorption and beamstop, 1 on the axis."""
    x, y = _offset_from_beam(detector)
    factor = geometric_factor(detector, beam)
    factor *= _beamstop_transmission(x, y, beam)
    if detector.taper_radius:
        factor *= np.clip((detector.taper_radius - np.hypot(x, y)) / (0.15 * detector.taper_radius), 0, 1)
    return factor.astype(np.float32)


def geometric_factor(detector: Detector, beam: Beam) -> NDArray[np.float32]:
    """Return (rows, cols): polarisation, solid angle and sensor absorption, 1 on the axis."""
    x, y = _offset_from_beam(detector)
    per_length = detector.pixel_size / detector.distance
    square = 1 + (x * x + y * y) * per_length**2  # (path / distance) squared
    factor = polarisation_factor(x * per_length, y * per_length, beam.polarisation) * square**-1.5
    return np.asarray(factor * absorption_factor(np.sqrt(square), detector.absorption), dtype=np.float32)


def fluorescence_factor(detector: Detector, beam: Beam) -> NDArray[np.float32]:
    """Return (rows, cols): fluorescence, which is unpolarised, relative to polarised scatter."""
    x, y = _offset_from_beam(detector)
    per_length = detector.pixel_size / detector.distance
    return np.asarray(
        1 / polarisation_factor(x * per_length, y * per_length, beam.polarisation), dtype=np.float32
    )


def polarisation_factor(
    x: NDArray[np.float32], y: NDArray[np.float32], horizontal: float
) -> NDArray[np.float32]:
    """Return the polarisation factor towards (x, y, 1), with x horizontal.

    A field along x scatters with 1 - (k.x)^2 (Kahn et al. 1982, J. Appl. Cryst. 15, 330).
    """
    square = 1 + x * x + y * y
    return (1 - (horizontal * x * x + (1 - horizontal) * y * y) / square).astype(np.float32)


def absorption_factor(obliquity: NDArray[np.float32], lengths: float) -> NDArray[np.float32]:
    """Return the share of an oblique ray that a sensor absorbs, relative to a perpendicular one.

    ``lengths`` is the sensor's thickness in attenuation lengths; ``obliquity`` is the path length over the thickness.
    """
    return np.asarray(np.expm1(-lengths * obliquity) / np.expm1(-lengths), dtype=np.float32)


def _beamstop_transmission(x: NDArray[np.float32], y: NDArray[np.float32], beam: Beam) -> NDArray[np.float32]:
    distance = np.sqrt(x * x + y * y) - beam.stop_radius
    clear = np.clip(distance / 3 + 0.5, 0.001, 1)  # a penumbra of 3 pixels; 0.1 % passes
    if beam.stop_arm is not None:
        along = x * np.cos(beam.stop_arm) + y * np.sin(beam.stop_arm)
        across = abs(y * np.cos(beam.stop_arm) - x * np.sin(beam.stop_arm))
        arm = np.clip((across - 0.25 * beam.stop_radius) / 3 + 0.5, 0.05, 1)
        clear = np.where(along > 0, np.minimum(clear, arm), clear)
    return clear.astype(np.float32)


def _offset_from_beam(detector: Detector) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    x = np.arange(detector.cols, dtype=np.float32) - np.float32(detector.beam_centre[0])
    y = np.arange(detector.rows, dtype=np.float32) - np.float32(detector.beam_centre[1])
    return np.broadcast_arrays(x[None, :], y[:, None])  # type: ignore[return-value]
