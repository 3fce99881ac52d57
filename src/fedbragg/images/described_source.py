"""Frames of a file whose detector is described by a geometry file: panels, bad pixels and places from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError
from fedbragg.images.crystfel_geometry import CrystfelGeometry
from fedbragg.images.crystfel_mask import file_of
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
        mask, placed = self._masks.joined(frame.mask, frame.path), self._description.geometry.panels
        return replace(frame, mask=mask, panels=self._rectangles, placed=placed)

    def close(self) -> None:
        """Close the file."""
        self._source.close()


class _Masks:
    """Joins the masks of frames with that of a geometry file; frames with the same mask share the joined one."""

    def __init__(self, description: CrystfelGeometry) -> None:
        self._description = description
        self._bad: dict[tuple[str, tuple[int, ...]], Mask] = {}
        self._own = any(mask.file is None for mask in description.masks)  # files have masks of their own
        self._joined: dict[int, tuple[Mask, Mask, Mask]] = {}  # a frame's mask, the geometry's, both

    def joined(self, mask: Mask, path: str) -> Mask:
        """Return the mask of a frame of this file or the geometry's, read-only."""
        known = self._joined.get(id(mask))
        bad = self._bad_pixels(path if self._own else "", mask.shape)
        if known is not None and known[0] is mask and known[1] is bad:
            return known[2]
        both = mask | bad
        both.flags.writeable = False
        if len(self._joined) >= KEPT:
            self._joined = {}
        self._joined[id(mask)] = (mask, bad, both)
        return both

    def _bad_pixels(self, path: str, shape: tuple[int, ...]) -> Mask:
        """Return the geometry's mask for the frames of a file; ``path`` is empty where all files have the same."""
        known = self._bad.get((path, shape))
        if known is None:
            known = self._description.mask((shape[0], shape[1]))
            for mask in self._description.masks:
                file = file_of(mask, Path(self._description.path), Path(path))
                known |= mask.bad_pixels(file, (shape[0], shape[1]))
            if len(self._bad) >= KEPT:
                self._bad = {}
            self._bad[path, shape] = known
        return known
