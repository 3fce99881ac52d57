"""How CrystFEL names a frame in the list of events that indexamajig takes.

crystfel_geometry(5), "Multiple frames per file": what stands for the ``%`` of ``data = /entry/data/%`` comes before
``//``, what stands for the ``%`` of ``dim0 = %`` after it.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from fedbragg.images.hdf5.layout import events_in
from fedbragg.images.hdf5.source import HDF5
from fedbragg.images.registry import extension_of
from fedbragg.types import Verdict


class Events:
    """Names frames; looks into a file once, for as long as frames of it come."""

    def __init__(self) -> None:
        self._path = ""
        self._names: list[str] = []
        self._starts: list[int] = [0]

    def name(self, verdict: Verdict) -> str:
        """Return ``file.h5 //3``, ``file.h5 data_000002//3`` of several stacks, or the file alone of one image."""
        if extension_of(verdict.path) not in HDF5.extensions:
            return verdict.path
        if verdict.path != self._path:
            self._look(verdict.path)
        number = bisect_right(self._starts, verdict.index) - 1
        if number >= len(self._names):
            return f"{verdict.path} //{verdict.index}"
        return f"{verdict.path} {self._names[number]}//{verdict.index - self._starts[number]}"

    def _look(self, path: str) -> None:
        """Learn which stacks a file has; one that cannot be opened, or has a single one, needs no names."""
        stacks = events_in(path)
        self._path = path
        self._names = [name for name, _ in stacks] if len(stacks) > 1 else []
        self._starts = [0, *accumulate(frames for _, frames in stacks)] if self._names else [0]
