"""How CrystFEL names a frame in the list of events that indexamajig takes.

crystfel_geometry(5), "Multiple frames per file": what stands for the ``%`` of ``data = /entry/data/%`` comes before
``//``, what stands for the ``%`` of ``dim0 = %`` after it.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any

from fedbragg.images.paths import STACKS, extension, natural
from fedbragg.types import Verdict


class Events:
    """Names frames; looks into a file once, for as long as frames of it come."""

    def __init__(self) -> None:
        self._path = ""
        self._names: list[str] = []
        self._starts: list[int] = [0]

    def name(self, verdict: Verdict) -> str:
        """Return ``file.h5 //3``, ``file.h5 data_000002//3`` of several stacks, or the file alone of one image."""
        if extension(verdict.path) not in STACKS:
            return verdict.path
        if verdict.path != self._path:
            self._look(verdict.path)
        number = bisect_right(self._starts, verdict.index) - 1
        if number >= len(self._names):
            return f"{verdict.path} //{verdict.index}"
        return f"{verdict.path} {self._names[number]}//{verdict.index - self._starts[number]}"

    def _look(self, path: str) -> None:
        """Learn which stacks a file has; one that cannot be opened, or has a single one, needs no names."""
        stacks = _stacks(path)
        self._path = path
        self._names = [name for name, _ in stacks] if len(stacks) > 1 else []
        self._starts = [0, *accumulate(frames for _, frames in stacks)] if self._names else [0]


def _stacks(path: str) -> list[tuple[str, int]]:
    """Return name and frames of the stacks that one level of the hierarchy tells apart."""
    from fedbragg.images.hdf5.layout import open_file

    try:
        with open_file(path) as file:
            return _numbered(file) or _chunked(file)
    except (OSError, RuntimeError, KeyError, ValueError):
        return []


def _numbered(file: Any) -> list[tuple[str, int]]:
    """Return the links data_000001, data_000002 ... of an Eiger master file."""
    for entry in sorted(file, key=natural):
        group = file.get(f"{entry}/data") if entry.startswith("entry") else None
        if group is None or not hasattr(group, "keys"):  # nothing there, or the images themselves
            continue
        names = [name for name in group if name.startswith("data_") and name[5:].isdecimal()]
        if names:
            return [(name, _frames(group, name)) for name in sorted(names, key=natural)]
    return []


def _chunked(file: Any) -> list[tuple[str, int]]:
    """Return the groups of ``/data/%/images``, as in CXIDB entry 76."""
    group = file.get("data")
    if not hasattr(group, "keys"):
        return []
    return [
        (name, _frames(group, f"{name}/images"))
        for name in sorted(group, key=natural)
        if f"{name}/images" in group
    ]


def _frames(group: Any, name: str) -> int:
    """Return a stack's length; one that is missing counts as one frame, as in a run."""
    try:
        shape = group[name].shape
    except (KeyError, OSError, RuntimeError):
        return 1
    return int(shape[0]) if len(shape) > 2 else 1
