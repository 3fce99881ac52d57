"""The instrument between the scattered light and the file: fixtures in the beam, read-out and defects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.background.shadows import apply_shadow, random_shadow
from fedbragg.simulation.beamline import Detector
from fedbragg.simulation.detector.readout import integrate, point_spread
from fedbragg.simulation.random_streams import random_stream
from fedbragg.simulation.scattering.camera import Camera
from fedbragg.simulation.scattering.layouts import Layout

SATURATION = {"int32": 2**20, "uint16": 65535}


@dataclass(frozen=True, slots=True)
class Readout:
    """The conversion of photons to the numbers in the file."""

    integrating: bool
    gain: float = 1.0  # counts a photon
    offset: float = 0.0  # counts in the dark
    noise: float = 0.0  # counts, standard deviation
    blur: float = 0.5  # pixel, standard deviation of the point spread
    averaged: int = 1  # images that the file averages; more than 1 gives fractions of counts


@dataclass(frozen=True, slots=True, eq=False)
class Fixtures:
    """The fixtures that the images of an experiment share."""

    passed: NDArray[
        np.float32
    ]  # (rows, cols) share of the light that passes window and obstacles, times sensitivity
    seams: NDArray[np.float32]  # (rows, cols) counts added by read-out amplifiers
    hot: NDArray[np.int64]  # (n,) positions of pixels that count without light
    readout: Readout
    zingers: float  # mean number of an image


def set_up_fixtures(camera: Camera, layout: Layout, generator: np.random.Generator) -> Fixtures:
    """Draw an experiment's window, obstacles, sensitivity, read-out and defects."""
    passed = np.ones((camera.rows, camera.cols), np.float32)
    if generator.random() < 0.3:
        passed *= _window(camera, generator)
    if generator.random() < 0.08:
        apply_shadow(passed, camera.centre, random_shadow(_outline(camera), generator))
    passed *= _sensitivity(camera, layout, generator)
    hot = generator.integers(
        passed.size, size=generator.poisson(3e-5 * passed.size) if generator.random() < 0.5 else 0
    )
    readout = _draw_readout(layout, generator)
    zingers = 5e-4 * passed.size * generator.random() if generator.random() < 0.1 else 0.0
    return Fixtures(passed, _seams(camera, readout, generator), hot, readout, zingers)


def read_out(photons: NDArray[np.int32], fixtures: Fixtures, generator: np.random.Generator) -> NDArray[Any]:
    """Return the file's numbers (rows, cols) for the photons on each pixel of all averaged images."""
    readout = fixtures.readout
    if readout.integrating:
        counts = np.empty(photons.shape, np.int32)
        amplifier = (readout.gain, readout.offset, readout.noise, float(SATURATION["uint16"]))
        integrate(photons, point_spread(readout.blur), amplifier, random_stream(generator), counts)
        counts = np.clip(counts + fixtures.seams, 0, SATURATION["uint16"]).astype(np.uint16)
    elif readout.averaged > 1:
        return (photons / np.float32(readout.averaged)).astype(np.float32)
    else:
        counts = np.minimum(photons, SATURATION["int32"]).astype(np.int32)
    _add_defects(counts, fixtures, generator)
    return counts


def _add_defects(counts: NDArray[Any], fixtures: Fixtures, generator: np.random.Generator) -> None:
    """Add zingers, and set hot pixels to any value, in place."""
    flat = counts.reshape(-1)
    most = SATURATION[counts.dtype.name]
    struck = generator.integers(flat.size, size=generator.poisson(fixtures.zingers))
    flat[struck] = np.minimum(flat[struck] + np.exp(generator.uniform(2, 10, len(struck))), most).astype(
        counts.dtype
    )
    values = np.exp(generator.uniform(np.log(20), np.log(most), len(fixtures.hot)))
    flat[fixtures.hot] = values.astype(counts.dtype)


def _window(camera: Camera, generator: np.random.Generator) -> NDArray[np.float32]:
    """Return the shadow of a flight tube's round end, or of a square aperture, beyond which almost nothing arrives."""
    longest = max(camera.rows, camera.cols)
    middle = np.array([camera.cols, camera.rows]) / 2 + generator.normal(0, 0.06, 2) * longest
    radius = longest * generator.uniform(0.3, 0.65)
    y, x = np.ogrid[: camera.rows, : camera.cols]
    square = generator.random() < 0.15
    sides = generator.uniform(0.4, 1.2, 2)
    away = (
        np.maximum(abs(x - middle[0]) * sides[0], abs(y - middle[1]) * sides[1])
        if square
        else np.hypot(x - middle[0], y - middle[1])
    )
    edge = longest * generator.uniform(0.002, 0.02)
    outside = generator.choice([0.0, 0.003, 0.03])
    return np.asarray(outside + (1 - outside) * np.clip((radius - away) / edge + 0.5, 0, 1), dtype=np.float32)


def _sensitivity(camera: Camera, layout: Layout, generator: np.random.Generator) -> NDArray[np.float32]:
    """Return each pixel's sensitivity: a per cent of noise, and modules that differ by as much."""
    flat = generator.normal(1, generator.uniform(0, 0.02), (camera.rows, camera.cols))
    if layout.module != (0, 0):
        across = (np.arange(camera.rows) * layout.rows / camera.rows) // max(
            layout.module[0] + layout.gap[0], 1
        )
        along = (np.arange(camera.cols) * layout.cols / camera.cols) // max(
            layout.module[1] + layout.gap[1], 1
        )
        gains = generator.normal(1, generator.uniform(0, 0.02), (int(across[-1]) + 1, int(along[-1]) + 1))
        flat *= gains[across.astype(int)][:, along.astype(int)]
    return np.maximum(flat, 0).astype(np.float32)


def _draw_readout(layout: Layout, generator: np.random.Generator) -> Readout:
    if layout.integrating:
        return Readout(
            True,
            gain=float(np.exp(generator.uniform(-0.7, 1.4))),
            offset=float(np.exp(generator.uniform(0, 5.3))),
            noise=generator.uniform(0.5, 6),
            blur=generator.uniform(0.4, 1.1),
        )
    return Readout(False, averaged=int(generator.integers(5, 200)) if generator.random() < 0.06 else 1)


def _seams(camera: Camera, readout: Readout, generator: np.random.Generator) -> NDArray[np.float32]:
    """Return the steps between the quadrants of a chip that four amplifiers read."""
    steps = generator.normal(0, 1.5, 4) if readout.integrating and generator.random() < 0.4 else np.zeros(4)
    lower = (np.arange(camera.rows) >= camera.rows / 2).astype(int)[:, None]
    right = (np.arange(camera.cols) >= camera.cols / 2).astype(int)[None, :]
    return np.asarray(steps[2 * lower + right], dtype=np.float32)


def _outline(camera: Camera) -> Detector:
    return Detector(
        camera.rows, camera.cols, camera.pixel_size, camera.distance, camera.centre, "int32", 2**31 - 1
    )
