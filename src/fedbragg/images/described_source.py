"""Frames of a file whose detector is described by a geometry file: panels, bad pixels and places from there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError
from fedbragg.images.crystfel_geometry import CrystfelGeometry
from fedbragg.images.source import OpenSource, Source
from fedbragg.types import Frame, Geometry

KEPT = 8
"""Masks that are kept: a run has a few."""
Mask = NDArray[np.bool_]


def described(open_source: OpenSource, description: CrystfelGeometry) -> OpenSource:
    """Return a function that opens the same files with the geometry of a geometry file."""
    masks = _Masks(description)
    return lambda path, cache: DescribedSource(open_source(path, cache), description, masks)


class DescribedSource:
    """An open file with another geometry."""

    def __init__(self, source: Source, description: CrystfelGeometry, masks: _Masks) -> None:
        self._source, self._description, self._masks = source, description, masks
        self.path = source.path
        self._least = description.shape
        self._rectangles = tuple((*panel.rows, *panel.cols) for panel in description.geometry.panels)

    @property
    def geometry(self) -> Geometry:
        """Return the geometry file's; wavelength and distance are the image file's where it gives none."""
        found, own = self._description.geometry, self._source.geometry
        return replace(found, wavelength=found.wavelength or own.wavelength, distance=own.distance)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._source)

    def read(self, index: int) -> Frame:
        """Return one frame, or raise FrameError."""
        frame = self._source.read(index)
        rows, cols = self._least
        if frame.counts.shape[0] < rows or frame.counts.shape[1] < cols:
            size = f"{frame.counts.shape[0]} x {frame.counts.shape[1]}"
            reason = f"has {size} pixels, {self._description.path} describes {rows} x {cols}. Give its own geometry."
            raise FrameError(frame.path, frame.index, reason)
        return replace(frame, mask=self._masks.joined(frame.mask), panels=self._rectangles)

    def close(self) -> None:
        """Close the file."""
        self._source.close()


class _Masks:
    """Joins the masks of frames with that of a geometry file; frames with the same mask share the joined one."""

    def __init__(self, description: CrystfelGeometry) -> None:
        self._description = description
        self._bad: dict[tuple[int, ...], Mask] = {}
        self._joined: dict[int, tuple[Mask, Mask]] = {}

    def joined(self, mask: Mask) -> Mask:
        """Return a frame's mask or the geometry's, read-only."""
        known = self._joined.get(id(mask))
        if known is not None and known[0] is mask:
            return known[1]
        bad = self._bad.get(mask.shape)
        if bad is None:
            bad = self._bad[mask.shape] = self._description.mask((mask.shape[0], mask.shape[1]))
        both = mask | bad
        both.flags.writeable = False
        if len(self._joined) >= KEPT:
            self._joined = {}
        self._joined[id(mask)] = (mask, both)
        return both
