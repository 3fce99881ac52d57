"""Image plates: a phosphor stores the exposure, and a laser reads it pixel by pixel.

The plate's grain and the laser's fluctuation are relative: about a per cent of the signal at any exposure (Amemiya
1995, J. Synchrotron Rad. 2, 13), so a bright plate is noisier than its photons. The laser's light spreads in the
phosphor, which gives the point spread broad tails; the stored light is still fading while the laser moves on, which
smears along a scan line. Scanners with a spinning plate read along a spiral, so a line is a circle about the plate's
centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.simulation.beamline import Detector
from fedbragg.simulation.detector.readout import integrate
from fedbragg.simulation.random_streams import random_stream

_FINE = 16.0  # steps in which a photon's spread light is kept until it is read


@dataclass(frozen=True, slots=True)
class ImagePlate:
    """A plate and its scanner."""

    gain: float  # counts a photon
    offset: float  # counts without exposure
    read_noise: float  # counts, standard deviation
    point_spread: float  # pixel, standard deviation of the core
    tail: float  # share of the light in the tail
    lag: float  # share of a pixel's light that is read in the next one of the line
    grain: float  # relative standard deviation of the phosphor from pixel to pixel
    bands: float  # relative standard deviation of the laser from line to line
    spiral: bool  # lines are circles about the plate's centre


def draw_image_plate(generator: np.random.Generator) -> ImagePlate:
    """Draw a plate and scanner like those on the market."""
    return ImagePlate(
        gain=float(np.exp(generator.uniform(np.log(0.3), np.log(4)))),
        offset=float(generator.uniform(2, 300)),
        read_noise=float(generator.uniform(0.5, 6)),
        point_spread=float(generator.uniform(0.45, 1.1)),
        tail=float(generator.uniform(0.02, 0.15)),
        lag=float(generator.choice([0.0, generator.uniform(0.05, 0.4)])),
        grain=float(np.exp(generator.uniform(np.log(3e-3), np.log(3e-2)))),
        bands=float(np.exp(generator.uniform(np.log(5e-4), np.log(1e-2)))),
        spiral=bool(generator.random() < 0.5),
    )


def scan_plate(
    photons: NDArray[np.int32], plate: ImagePlate, detector: Detector, generator: np.random.Generator
) -> NDArray[Any]:
    """Return the counts (rows, cols) that the scanner writes for these photons (rows, cols)."""
    most = float(detector.saturation)
    counts = np.empty(photons.shape, np.int32)
    amplifier = (_FINE, 0.0, 0.0, 2.0**30)
    integrate(photons, plate_spread(plate), amplifier, random_stream(generator), counts)
    light = counts.astype(np.float32) * np.float32(plate.gain / _FINE)
    light *= sensitivity(photons.shape, plate, generator)
    if plate.lag:
        smear(light, np.float32(plate.lag))
    light += plate.offset + plate.read_noise * generator.standard_normal(light.shape, np.float32)
    return np.asarray(np.clip(np.rint(light), 0, most), dtype=detector.dtype)


def plate_spread(plate: ImagePlate) -> NDArray[np.float32]:
    """Return the point spread along one axis (13,), of sum 1: a Gaussian core and an exponential tail."""
    offsets = np.arange(-6, 7)
    core = np.exp(-0.5 * (offsets / plate.point_spread) ** 2)
    tail = np.exp(-abs(offsets) / 2.0)
    kernel = (1 - plate.tail) * core / core.sum() + plate.tail * tail / tail.sum()
    return np.asarray(kernel, dtype=np.float32)


def sensitivity(
    shape: tuple[int, ...], plate: ImagePlate, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Draw the relative light of every pixel (rows, cols), near 1: grain of about two pixels, and the lines' bands."""
    rows, cols = shape
    white = generator.standard_normal((rows + 1, cols + 1), np.float32)
    grain = (white[:-1, :-1] + white[1:, :-1] + white[:-1, 1:] + white[1:, 1:]) / 2
    lines = plate.bands * generator.standard_normal(rows + cols).astype(np.float32)
    if plate.spiral:
        y, x = np.arange(rows)[:, None] - rows / 2, np.arange(cols)[None, :] - cols / 2
        bands = lines[np.hypot(y, x).astype(np.int64)]
    else:
        bands = lines[:rows, None]
    return np.asarray(np.maximum(1 + plate.grain * grain + bands, 0), dtype=np.float32)


@njit(nogil=True, cache=True)
def smear(light, lag):  # type: ignore[no-untyped-def]
    """Let every pixel of the light (rows, cols) keep a share of the one read before it in its row."""
    for row in range(light.shape[0]):
        before = light[row, 0]
        for col in range(light.shape[1]):
            before = (1 - lag) * light[row, col] + lag * before
            light[row, col] = before
