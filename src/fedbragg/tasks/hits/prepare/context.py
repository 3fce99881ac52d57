"""What the rest of a frame says about a peak: how sharp the detector sees, and which peaks lie on rings.

A cosmic ray is sharper than any X-ray spot on a detector that blurs, and a blur shows in the noise, for it correlates
neighbouring pixels. Grains of a powder lie on rings about the beam, a lattice's spots do not: so a peak's ring is
compared with the rings beside it. The beam centre comes from the file, or else from the light between the peaks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fedbragg.tasks.hits.prepare.centre import estimated_centre, refined_centre
from fedbragg.tasks.hits.prepare.medians import median
from fedbragg.tasks.hits.prepare.noise import PhotonScale
from fedbragg.tasks.hits.prepare.peaks import deviance
from fedbragg.tasks.hits.prepare.pixels import Blocks

CONTEXT = (
    "noise along", "noise across", "centre", "ring of 2", "ring of 6", "all rings of 2", "all rings of 6",
)  # fmt: skip
"""The numbers, in order:

noise along, across   higher and lower correlation of the noise of neighbours along rows and columns, median of blocks
centre                1 where the file gives the beam centre; else how round the frame is about the estimated one, at
                      most 0.8; 0 where there is no estimate, and then the following are 0
ring of 2, of 6       sign(z) ln(1 + |z|), z = significance of the number of peaks within 2 or 6 pixels of this peak's
                      radius against the rings beside it
all rings of 2, of 6  their means over the frame's counted peaks
"""
WIDTHS = (2.0, 6.0)
"""Pixels: a sharp ring about a centre that is right, and a broad one or one about a centre some pixels off."""
BESIDE = 5.0
"""The rings beside reach this many widths to each side."""
COUNTED = 6.0
"""Standard deviations from which a peak counts; weaker ones may be noise, which lies on no ring."""
MOST_TRUST = 0.8
REACH_OF_FILE, REACH_OF_ESTIMATE = 6.0, 24.0
"""Pixels within which the true centre is sought about the file's, and about an estimate."""
FEWEST_BLOCKS = 30


@dataclass(frozen=True, slots=True)
class Centre:
    """Where the beam hits the detector, more or less."""

    column: float  # pixel
    row: float  # pixel
    trust: float  # 1 where the file gives it
    reach: float  # pixel, within which the true one is sought


BEAM = Centre(0.0, 0.0, trust=1.0, reach=REACH_OF_FILE)
"""The centre of places that are about the beam already."""


def context_of(
    blocks: Blocks,
    places: NDArray[np.floating | np.int64],
    significance: NDArray[np.float32],
    centre: Centre | None,
) -> NDArray[np.float32]:
    """Return the context (peaks, 7) of the peaks at row and column (peaks, 2), in pixels, with these significances."""
    result = np.zeros((len(places), len(CONTEXT)), np.float32)
    result[:, 0], result[:, 1] = noise_correlation(blocks)
    counted = significance >= COUNTED
    if centre is not None and counted.any():
        result[:, 2] = centre.trust
        near = (centre.column, centre.row)
        column, row = refined_centre(places[counted], significance[counted], near, centre.reach)
        radius = np.hypot(places[:, 0] - row, places[:, 1] - column)
        for k, crowded in enumerate(crowding(radius, counted, WIDTHS)):
            result[:, 3 + k] = crowded
            result[:, 5 + k] = crowded[counted].mean()
    return result


def centre_of(given: tuple[float, float] | None, blocks: Blocks, photons: PhotonScale) -> Centre | None:
    """Return the beam centre of a file, (column, row) in pixels, or else the one that the light points to."""
    if given is not None:
        return Centre(*given, trust=1.0, reach=REACH_OF_FILE)
    half = (blocks.size - 1) / 2
    found = estimated_centre(*light_of(blocks, photons))
    if found is None:
        return None
    (column, row), roundness = found
    trust = MOST_TRUST * roundness
    return Centre(column * blocks.size + half, row * blocks.size + half, trust, REACH_OF_ESTIMATE)


def light_of(blocks: Blocks, photons: PhotonScale) -> tuple[NDArray[np.float32], NDArray[np.bool_], int]:
    """Return the arguments of `estimated_centre`: photons a pixel, which blocks count, and the pixels of a block."""
    pixels = blocks.size**2
    mean = blocks.total / np.maximum(blocks.valid, 1) * np.float32(photons.scale) + np.float32(photons.shift)
    return mean.astype(np.float32), blocks.valid == pixels, pixels


def noise_correlation(blocks: Blocks) -> tuple[float, float]:
    """Return the higher and the lower of the noise's correlations between neighbours along rows and columns.

    Each is the median over the sampled blocks; both are 0 where too few blocks show noise.
    """
    along, across = _medians(blocks.correlation)
    return max(along, across), min(along, across)


@njit(cache=True, nogil=True)
def _medians(correlation: NDArray[np.float64]) -> tuple[float, float]:
    known, number = np.empty((2, correlation.shape[0])), 0
    for block in range(correlation.shape[0]):
        if not math.isnan(correlation[block, 0]):
            known[0, number], known[1, number] = correlation[block, 0], correlation[block, 1]
            number += 1
    middle = np.zeros(2)
    if number >= FEWEST_BLOCKS:
        for k in range(2):
            middle[k] = median(known[k, :number])
    return middle[0], middle[1]


def crowding(
    radius: NDArray[np.float64], counted: NDArray[np.bool_], widths: tuple[float, ...]
) -> list[NDArray[np.float32]]:
    """Return by how much more counted peaks lie within each width of each peak's radius than beside it (peaks,).

    ``radius`` is in pixels (peaks,). A peak does not count for itself. The significance z is that of a Poisson number
    against the mean of the rings beside, given as sign(z) ln(1 + |z|).
    """
    order = np.argsort(radius)
    rings = radius[order][counted[order]]
    return [_crowding(radius, counted, width, rings, order) for width in widths]


@njit(cache=True, nogil=True)
def _crowding(
    radius: NDArray[np.float64],
    counted: NDArray[np.bool_],
    width: float,
    rings: NDArray[np.float64],
    order: NDArray[np.int64],
) -> NDArray[np.float32]:
    near, wide = (
        np.zeros(2, np.int64),
        np.zeros(2, np.int64),
    )  # bounds among the rings, which only move outwards
    result = np.empty(radius.size, np.float32)
    for peak in order:
        inside = _number(rings, radius[peak], width, near)
        beside = _number(rings, radius[peak], BESIDE * width, wide) - inside
        z = deviance(float(inside - counted[peak]), (beside + 1) / (BESIDE - 1))
        result[peak] = math.copysign(math.log1p(abs(z)), z)
    return result


@njit(cache=True, nogil=True, inline="always")
def _number(rings: NDArray[np.float64], radius: float, reach: float, bounds: NDArray[np.int64]) -> int:
    """Return how many of the sorted radii lie within ``reach`` of a radius, which never falls from call to call."""
    while bounds[0] < rings.size and rings[bounds[0]] < radius - reach:
        bounds[0] += 1
    while bounds[1] < rings.size and rings[bounds[1]] <= radius + reach:
        bounds[1] += 1
    return int(bounds[1] - bounds[0])
