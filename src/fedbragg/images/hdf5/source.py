"""Frames in an HDF5 file, or in a master file and its data files."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError, RunError
from fedbragg.images.hdf5.chunks import DamagedChunkError
from fedbragg.images.hdf5.fallback import read_plainly
from fedbragg.images.hdf5.layout import find_stacks, open_file
from fedbragg.images.hdf5.nexus import frame_mask, mask_dataset, read_metadata
from fedbragg.images.hdf5.segments import Segment, segments_of
from fedbragg.images.mask import KnownMask
from fedbragg.images.source import Shared, as_counts
from fedbragg.types import Counts, Frame

HDF5_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, OverflowError, MemoryError)
"""What h5py raises on damaged files, by trial."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """The segments of a file, and the named stacks in which they lie."""

    segments: list[Segment]
    starts: list[int]  # index of each segment's first frame, and the number of frames at the end
    stacks: list[str]  # names; a single one is empty
    stack_starts: list[int]  # index of each stack's first frame

    def event(self, index: int) -> str:
        """Return CrystFEL's name of a frame (crystfel_geometry(5), "Multiple frames per file").

        What stands for the ``%`` of ``data = /entry/data/%`` comes before ``//``, what stands for that of
        ``dim0 = %`` after it.
        """
        number = bisect_right(self.stack_starts, index) - 1
        return f"{self.stacks[number]}//{index - self.stack_starts[number]}"


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A frame as HDF5 knows it: where a link or a virtual dataset to it must point."""

    dataset: Any  # open, in the file that holds the counts
    position: int  # along the dataset's first axis


class HDF5Source:
    """An open HDF5 file; one index runs through all its image datasets in order."""

    def __init__(self, path: str, shared: Shared, *, live: bool = False) -> None:
        self.path = path
        self._shared = shared
        self._files = {path: _open(path, live=live)}
        try:
            self._parts = self._find_parts()
            self._describe()
        except RunError:
            self.close()
            raise
        except HDF5_ERRORS as error:
            self.close()
            raise RunError(
                f"{path}: damaged HDF5 file ({_short(error)}). Copy it again from its source."
            ) from None

    def __len__(self) -> int:
        """Return the number of frames; a data file that is missing counts as one."""
        return self._parts.starts[-1]

    def written(self) -> int:
        """Return the number of frames before the first that is not there yet."""
        starts, segments = self._parts.starts, self._parts.segments
        return next(
            (start for start, part in zip(starts, segments, strict=False) if part.dataset is None), starts[-1]
        )

    def refresh(self) -> None:
        """Look again for frames, in a file that its writer may have made longer; raise RunError."""
        try:
            for part in self._parts.segments:
                if part.dataset is not None:
                    part.dataset.refresh()
            self._parts = self._find_parts()
        except HDF5_ERRORS as error:
            raise RunError(
                f"{self.path}: cannot be followed ({_short(error)}). Open it when it is closed."
            ) from None

    def read(self, index: int) -> Frame:
        """Return one frame, or raise FrameError naming file, frame and remedy."""
        parts = self._parts
        position = bisect_right(parts.starts, index) - 1
        segment = parts.segments[position]
        try:
            return self._frame(segment, segment.first + index - parts.starts[position], index)
        except FrameError as error:
            reason = error.reason
        except DamagedChunkError as error:
            reason = f"{error}. Copy the file again from its source."
        except HDF5_ERRORS as error:
            reason = f"cannot be decoded ({_short(error)}). Copy the file again from its source."
        raise FrameError(self.path, index, reason, parts.event(index))

    def place(self, index: int) -> Place | None:
        """Return where a frame's counts lie, or None where their dataset is missing."""
        parts = self._parts
        position = bisect_right(parts.starts, index) - 1
        segment = parts.segments[position]
        if segment.dataset is None:
            return None
        return Place(segment.dataset, segment.first + index - parts.starts[position])

    def close(self) -> None:
        """Let go of the file and of those it led to."""
        for file in self._files.values():
            file.close()

    def _find_parts(self) -> _Parts:
        stacks = find_stacks(self._files[self.path], self.path)
        parts = [segments_of(stack.address, stack.dataset, self._files) for stack in stacks]
        segments = [segment for part in parts for segment in part]
        starts = [0, *accumulate(segment.count for segment in segments)]
        if len(stacks) == 1 or not stacks[0].name:
            return _Parts(segments, starts, [""], [0])
        lengths = [sum(segment.count for segment in part) for part in parts]
        return _Parts(segments, starts, [stack.name for stack in stacks], [0, *accumulate(lengths[:-1])])

    def _describe(self) -> None:
        """Read the geometry and the mask."""
        file = self._files[self.path]
        metadata = read_metadata(file)
        self.geometry, self._trusted = metadata.geometry, metadata.trusted
        shape = next(
            (_frame_shape(part.dataset) for part in self._parts.segments if part.dataset is not None), (0, 0)
        )
        self._mask_dataset = mask_dataset(file, shape)
        self._file_mask = self._shared.masks.same(frame_mask(self._mask_dataset, 0, shape))

    def _frame(self, segment: Segment, at: int, index: int) -> Frame:
        if segment.dataset is None:
            raise FrameError(
                self.path,
                index,
                f"its data {segment.address} are missing or damaged. Put the file beside this one.",
            )
        file_mask = self._mask_of(index, segment)
        known = self._usual(segment, file_mask)
        counts, as_known = self._counts(segment, at, index, known)
        mask = known.mask if known is not None and as_known else None
        if mask is None:
            mask = self._shared.masks.mask(counts, file_mask, self._trusted)
        return Frame(counts, mask, self.path, index, self._parts.event(index))

    def _counts(self, segment: Segment, at: int, index: int, known: KnownMask | None) -> tuple[Counts, bool]:
        if segment.chunks is not None:
            counts, as_known = segment.chunks.read(at, self._shared.pool, known.check if known else None)
            return as_counts(counts, self.path, index), as_known
        return as_counts(read_plainly(segment.dataset, at, self._shared.pool), self.path, index), False

    def _usual(self, segment: Segment, file_mask: NDArray[np.bool_] | None) -> KnownMask | None:
        if segment.chunks is None:
            return None
        return self._shared.masks.usual(segment.chunks.shape, segment.dataset.dtype, file_mask, self._trusted)

    def _mask_of(self, index: int, segment: Segment) -> NDArray[np.bool_] | None:
        """Return the file's mask, read anew where it has one for each frame."""
        if self._mask_dataset is None or not self._mask_dataset.changes:
            return self._file_mask
        return self._shared.masks.same(frame_mask(self._mask_dataset, index, _frame_shape(segment.dataset)))


def _open(path: str, *, live: bool) -> Any:
    try:
        return open_file(path, live=live)
    except (OSError, RuntimeError, ValueError) as error:
        raise RunError(f"{path}: {_why(error)}") from None


def _frame_shape(dataset: Any) -> tuple[int, int]:
    """Return (rows, cols) of a frame, panels one below the other."""
    *outer, cols = dataset.shape if dataset.ndim == 2 else dataset.shape[1:]
    return int(np.prod(outer)), int(cols)


def _why(error: Exception) -> str:
    text = str(error)
    if isinstance(error, PermissionError) or "Permission denied" in text:
        return "no permission to read it. Ask its owner, or change its access rights."
    if isinstance(error, FileNotFoundError):
        return "no such file. Check the path, and that its disk is mounted."
    if "truncated" in text:
        return "HDF5 file cut short. Copy it again, or wait until its writer is done."
    return f"no readable HDF5 file ({_short(error)}). Check that the extension is right, or copy it again."


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
