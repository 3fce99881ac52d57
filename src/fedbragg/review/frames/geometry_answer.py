"""The detector's geometry as the page gets it."""

from __future__ import annotations

from typing import Any

from fedbragg.review.frames.rings import Line, beam_place, ice_rings, panels_in, resolution_rings
from fedbragg.types import Geometry, Panel


def geometry_answer(geometry: Geometry, shape: tuple[int, int]) -> dict[str, Any]:
    """Return panels, beam and rings for frames of this shape; all empty if the geometry is unknown."""
    panels = panels_in(geometry, shape)
    if not panels or not geometry.wavelength:
        return {"wavelength": None, "panels": [], "beam": None, "rings": [], "ice": []}
    return {
        "wavelength": geometry.wavelength,
        "panels": [_panel(panel) for panel in panels],
        "beam": beam_place(panels),
        "rings": [_ring(*found) for found in resolution_rings(panels, geometry.wavelength, shape)],
        "ice": [_ring(*found) for found in ice_rings(panels, geometry.wavelength)],
    }


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "rows": panel.rows,
        "cols": panel.cols,
        "corner": panel.corner,
        "fast": panel.fast,
        "slow": panel.slow,
        "pixel": panel.pixel,
        "distance": panel.distance,
    }


def _ring(spacing: float, lines: list[Line]) -> dict[str, Any]:
    return {"spacing": spacing, "lines": [[(round(r, 1), round(c, 1)) for r, c in line] for line in lines]}
