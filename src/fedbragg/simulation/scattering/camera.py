"""The position of the detector: pixels to momentum transfer and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Camera:
    """A flat detector perpendicular to the beam."""

    rows: int  # pixel
    cols: int  # pixel
    pixel_size: float  # metre
    distance: float  # metre, sample to detector
    wavelength: float  # angstrom
    centre: tuple[float, float]  # pixel, (column, row) of the direct beam; may lie off the detector

    @property
    def reach(self) -> float:
        """Return the distance in pixels from the beam to the farthest corner."""
        column, row = self.centre
        return float(np.hypot(max(abs(column), abs(self.cols - column)), max(abs(row), abs(self.rows - row))))

    @property
    def beam_inside(self) -> bool:
        """Return whether the direct beam meets the detector."""
        column, row = self.centre
        return -0.5 <= column <= self.cols - 0.5 and -0.5 <= row <= self.rows - 0.5

    def q(self, radius: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the momentum transfer in 1/angstrom at distances from the beam in pixels."""
        two_theta = np.arctan(radius * (self.pixel_size / self.distance))
        return np.asarray(4 * np.pi / self.wavelength * np.sin(two_theta / 2))

    def radius(self, q: float) -> float:
        """Return the radius in pixels of a momentum transfer in 1/angstrom; infinite where it has none."""
        sine = q * self.wavelength / (4 * np.pi)
        if sine >= np.sin(np.pi / 4):
            return float("inf")
        return float(np.tan(2 * np.arcsin(sine)) * self.distance / self.pixel_size)


def offsets(camera: Camera) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return each pixel's offset from the beam (rows, cols): along columns, along rows."""
    x = np.arange(camera.cols, dtype=np.float32) - np.float32(camera.centre[0])
    y = np.arange(camera.rows, dtype=np.float32) - np.float32(camera.centre[1])
    shape = (camera.rows, camera.cols)
    return np.broadcast_to(x[None, :], shape), np.broadcast_to(y[:, None], shape)
