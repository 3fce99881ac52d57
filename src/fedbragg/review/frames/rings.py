"""Circles of one lattice spacing on a detector, flat or of panels, and the point where the beam hits it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fedbragg.bragg import two_theta_of
from fedbragg.simulation.background.powder_rings import ICE
from fedbragg.types import Geometry, Panel

Line = list[tuple[float, float]]
"""Points (row, column) in pixels."""
SPACINGS = (
    50.0,
    20.0,
    10.0,
    7.0,
    5.0,
    4.0,
    3.5,
    3.0,
    2.5,
    2.2,
    2.0,
    1.8,
    1.6,
    1.5,
    1.4,
    1.3,
    1.2,
    1.1,
    1.0,
    0.8,
)
"""Angstrom: resolution rings that may be drawn."""
MOST_RINGS = 5
APART = 0.12
"""Least distance between two rings, as a share of the frame's longer edge."""
ICE_SPACINGS = tuple(sorted({line.d for line in ICE}, reverse=True))
POINTS = 721


def panels_in(geometry: Geometry, shape: tuple[int, int]) -> tuple[Panel, ...]:
    """Return the panels, each with its distance; a plane is one. Empty if the geometry is unknown."""
    if not geometry.wavelength:
        return ()
    panels = geometry.panels or _plane(geometry, shape)
    distances = [panel.distance or geometry.distance for panel in panels]
    if not all(distances):
        return ()
    return tuple(
        Panel(p.name, p.rows, p.cols, p.corner, p.fast, p.slow, p.pixel, distance)
        for p, distance in zip(panels, distances, strict=True)
    )


def _plane(geometry: Geometry, shape: tuple[int, int]) -> tuple[Panel, ...]:
    centre, pixel = geometry.beam_centre, geometry.pixel_size
    if centre is None or pixel is None:
        return ()
    tall = pixel[1] / pixel[0]  # a step down the rows in units of a step along them
    corner = (-centre[0], -centre[1] * tall)
    return (Panel("", (0, shape[0]), (0, shape[1]), corner, (1.0, 0.0), (0.0, tall), pixel[0]),)


def ring(panels: Sequence[Panel], wavelength: float, spacing: float) -> list[Line]:
    """Return the parts of the circle of a lattice spacing (angstrom) that lie on the panels."""
    degrees = float(two_theta_of(np.array([2 * np.pi / spacing]), wavelength)[0])
    if not 0 < degrees < 90:
        return []
    return [line for panel in panels for line in _on_panel(panel, np.tan(np.radians(degrees)))]


def _on_panel(panel: Panel, tangent: float) -> list[Line]:
    radius = tangent * (panel.distance or 0) / panel.pixel
    angle = np.linspace(0, 2 * np.pi, POINTS)
    row, col = place_on(panel, radius * np.cos(angle), radius * np.sin(angle))
    here = _inside(panel, row, col)
    ends = np.flatnonzero(np.diff(np.concatenate([[False], here, [False]]).astype(np.int8)))
    runs = [(first, last) for first, last in pairwise(ends) if here[first] and last - first > 1]
    return [list(zip(row[a:b].tolist(), col[a:b].tolist(), strict=True)) for a, b in runs]


def place_on(
    panel: Panel, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return row and column in the frame of points at x and y in pixels from the beam, as if the panel had no end."""
    axes = np.array([panel.fast, panel.slow], np.float64).T
    along, down = np.linalg.solve(axes, np.stack([x - panel.corner[0], y - panel.corner[1]]))
    return down + panel.rows[0], along + panel.cols[0]


def _inside(panel: Panel, row: NDArray[np.float64], col: NDArray[np.float64]) -> NDArray[np.bool_]:
    high = (row >= panel.rows[0] - 0.5) & (row < panel.rows[1] - 0.5)
    return np.asarray(high & (col >= panel.cols[0] - 0.5) & (col < panel.cols[1] - 0.5))


def resolution_rings(
    panels: Sequence[Panel], wavelength: float, shape: tuple[int, int]
) -> list[tuple[float, list[Line]]]:
    """Return a few rings with their spacings in angstrom, well apart."""
    chosen: list[tuple[float, list[Line]]] = []
    radius = -np.inf
    for spacing in SPACINGS:
        lines = ring(panels, wavelength, spacing)
        degrees = float(two_theta_of(np.array([2 * np.pi / spacing]), wavelength)[0])
        here = np.tan(np.radians(degrees)) * (panels[0].distance or 0) / panels[0].pixel if lines else 0
        if lines and here - max(radius, 0) >= APART * max(shape) and len(chosen) < MOST_RINGS:
            chosen.append((spacing, lines))
            radius = here
    return chosen


def ice_rings(panels: Sequence[Panel], wavelength: float) -> list[tuple[float, list[Line]]]:
    """Return the rings of hexagonal ice that lie on the panels, with their spacings in angstrom."""
    found = [(spacing, ring(panels, wavelength, spacing)) for spacing in ICE_SPACINGS]
    return [(spacing, lines) for spacing, lines in found if lines]


def beam_place(panels: Sequence[Panel]) -> tuple[float, float] | None:
    """Return row and column where the beam hits the detector; None where it passes between panels."""
    zero = np.zeros(1)
    for panel in panels:
        row, col = place_on(panel, zero, zero)
        if len(panels) == 1 or _inside(panel, row, col)[0]:
            return float(row[0]), float(col[0])
    return None
