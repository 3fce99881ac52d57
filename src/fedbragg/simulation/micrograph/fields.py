"""Smooth random fields and blurs on a periodic picture, by Fourier transform."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""(rows, cols) any unit."""


def blurred(field: Field, sigma: float) -> Field:
    """Return a field blurred by a Gaussian of standard deviation ``sigma`` pixels; edges wrap around."""
    if sigma <= 0:
        return field
    rows, cols = field.shape
    squared = np.fft.fftfreq(rows)[:, None] ** 2 + np.fft.rfftfreq(cols)[None] ** 2
    passed = np.exp(-2 * (np.pi * sigma) ** 2 * squared)
    return np.fft.irfft2(np.fft.rfft2(field) * passed, s=field.shape).astype(np.float32)


def smooth_noise(shape: tuple[int, int], length: float, generator: np.random.Generator) -> Field:
    """Return Gaussian noise of mean 0 and deviation 1 that varies over about ``length`` pixels."""
    noise = blurred(generator.standard_normal(shape, dtype=np.float32), length)
    return standardised(noise)


def warped(
    numbers: NDArray[np.int32], reach: float, length: float, generator: np.random.Generator
) -> NDArray[np.int32]:
    """Return an image (rows, cols) whose pixels come from about ``reach`` pixels aside, alike over ``length``."""
    shape = (numbers.shape[0], numbers.shape[1])
    aside = [np.rint(reach * smooth_noise(shape, length, generator)).astype(int) for _ in shape]
    row, col = np.indices(shape)
    moved: NDArray[np.int32] = numbers[(row + aside[0]) % shape[0], (col + aside[1]) % shape[1]]
    return moved


def standardised(field: Field) -> Field:
    """Return a field scaled to mean 0 and deviation 1; a constant field becomes 0."""
    spread = float(field.std())
    result: Field = (field - field.mean()) / np.float32(spread if spread > 0 else 1.0)
    return result
