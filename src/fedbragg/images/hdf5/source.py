"""The frames of an HDF5 file, or of a master file and its data files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from fedbragg.errors import FrameError, RunError
from fedbragg.images.counts import as_counts, panels_of
from fedbragg.images.format import Format
from fedbragg.images.hdf5.chunks import frame_shape
from fedbragg.images.hdf5.decoded import Decoded
from fedbragg.images.hdf5.decoders import DamagedChunkError
from fedbragg.images.hdf5.fallback import read_through_hdf5
from fedbragg.images.hdf5.layout import find_image_datasets
from fedbragg.images.hdf5.metadata import read_header
from fedbragg.images.hdf5.open import open_file
from fedbragg.images.hdf5.pixel_mask import find_pixel_mask, read_pixel_mask
from fedbragg.images.hdf5.promised import promised_images
from fedbragg.images.hdf5.segments import Segment, segments_of
from fedbragg.images.mask import KnownMask, Mask
from fedbragg.images.source import RunCache
from fedbragg.types import Frame, Geometry

SIGNATURE = b"\x89HDF\r\n\x1a\n"
HDF5_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, OverflowError, MemoryError)
"""Errors that h5py raises on damaged files, found by trial."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameLocation:
    """The location of a frame's counts, as a link or a virtual dataset names it."""

    dataset: Any  # open, in the file that holds the counts
    position: int  # along the dataset's first axis


@dataclass(frozen=True, slots=True)
class _Segments:
    """The segments of a file, and the named datasets in which they lie."""

    segments: list[Segment]
    starts: list[int]  # index of each segment's first frame, and the number of frames at the end
    events: list[str]  # CrystFEL's name of each dataset; empty where there is a single one
    event_starts: list[int]  # index of each dataset's first frame

    def find(self, index: int) -> tuple[Segment, int]:
        """Return the segment of a frame, and the frame's position in the segment's dataset."""
        number = bisect_right(self.starts, index) - 1
        segment = self.segments[number]
        return segment, segment.first + index - self.starts[number]

    def event(self, index: int) -> str:
        """Return CrystFEL's name of a frame (crystfel_geometry(5), "Multiple frames per file").

        The part before ``//`` replaces the ``%`` of ``data = /entry/data/%``, the number after it that of ``dim0 = %``.
        """
        number = bisect_right(self.event_starts, index) - 1
        return f"{self.events[number]}//{index - self.event_starts[number]}"


def _with_open_handles(found: _Segments, before: _Segments) -> _Segments:
    """Return the datasets found, with the open handles of those known before."""
    known = {segment.address: segment for segment in before.segments}
    segments = [_with_handle(segment, known.get(segment.address)) for segment in found.segments]
    return replace(found, segments=segments)


def _with_handle(segment: Segment, before: Segment | None) -> Segment:
    if (
        before is None
        or segment.dataset is None
        or before.dataset is None
        or segment.dataset != before.dataset
    ):
        return segment
    return replace(before, first=segment.first, count=segment.count)


class HDF5Source:
    """An open HDF5 file; one index runs through all its datasets of images in order."""

    def __init__(self, path: str, cache: RunCache, open_file: Callable[[str], Any] = open_file) -> None:
        self.path = path
        self._cache = cache
        self._files = {path: _open(path, open_file)}
        try:
            self._segments = self._find_segments()
            self._read_header()
        except RunError:
            self.close()
            raise
        except HDF5_ERRORS as error:
            self.close()
            raise RunError(
                f"{path}: damaged HDF5 file ({_short(error)}). Copy it again from its source."
            ) from None

    @property
    def geometry(self) -> Geometry:
        """Return where the detector stood, as far as the file records it."""
        return self.header.geometry

    @property
    def pixel_mask(self) -> Mask | None:
        """Return the file's own mask (rows, cols), True = ignore: of the first frame where each has one."""
        return self._file_mask

    @property
    def promised(self) -> int | None:
        """Return how many images a detector's master file promises; None if unknown."""
        return promised_images(self._files[self.path])

    def __len__(self) -> int:
        """Return the number of frames; a data file that is missing counts as one."""
        return self._segments.starts[-1]

    def frames_written(self, start: int) -> int:
        """Return the number of frames before the first that is missing, those before ``start`` are assumed present."""
        for first, segment in zip(self._segments.starts, self._segments.segments, strict=False):
            if first + segment.count > start:
                there = segment.frames_written(max(0, start - first))
                if there < segment.count:
                    return first + there
        return len(self)

    def paths(self) -> list[str]:
        """Return the file and those that hold its frames, as far as they exist."""
        datasets = (part.dataset for part in self._segments.segments if part.dataset is not None)
        return list(dict.fromkeys([self.path, *(dataset.file.filename for dataset in datasets)]))

    def refresh(self) -> None:
        """Look for new frames in a file that is still being written; raise RunError.

        Other threads may read meanwhile. HDF5 2.0 gives a reader another frame's chunk where a dataset is refreshed
        that is open twice. So each dataset is opened once, and its handle is kept.
        """
        from h5py._objects import phil

        try:
            with phil:  # the lock that h5py holds in every call
                for segment in self._segments.segments:
                    if segment.dataset is not None:
                        segment.dataset.refresh()
                self._segments = _with_open_handles(self._find_segments(), self._segments)
            if not self._header_fits:  # the mask belongs to a shape that was not known before
                self._read_header()
        except HDF5_ERRORS as error:
            raise RunError(
                f"{self.path}: cannot be followed ({_short(error)}). Open it when it is closed."
            ) from None

    def read(self, index: int) -> Frame:
        """Return one frame, or raise FrameError naming file, frame and remedy."""
        segment, position = self._segments.find(index)
        try:
            return self._frame(segment, position, index)
        except FrameError as error:
            reason = error.reason
        except DamagedChunkError as error:
            reason = f"{error}. Copy the file again from its source."
        except HDF5_ERRORS as error:
            reason = f"cannot be decoded ({_short(error)}). Copy the file again from its source."
        raise FrameError(self.path, index, reason, self._segments.event(index))

    def locate(self, index: int) -> FrameLocation | None:
        """Return where the counts of a frame lie, or None where their dataset is missing."""
        segment, position = self._segments.find(index)
        return None if segment.dataset is None else FrameLocation(segment.dataset, position)

    def close(self) -> None:
        """Close the file and those that it links to."""
        for file in self._files.values():
            file.close()

    def _find_segments(self) -> _Segments:
        datasets = find_image_datasets(self._files[self.path], self.path)
        parts = [segments_of(images, self._files) for images in datasets]
        segments = [segment for part in parts for segment in part]
        starts = [0, *accumulate(segment.count for segment in segments)]
        events = [images.event for images in datasets]
        if len(events) == 1 or not events[0]:
            return _Segments(segments, starts, [""], [0])
        lengths = (sum(segment.count for segment in part) for part in parts)
        return _Segments(segments, starts, events, [0, *accumulate(lengths)][:-1])

    def _read_header(self) -> None:
        file = self._files[self.path]
        self.header = read_header(file)
        datasets = (part.dataset for part in self._segments.segments if part.dataset is not None)
        shape = next(map(frame_shape, datasets), (0, 0))
        self._header_fits = shape != (0, 0)
        self._pixel_mask = find_pixel_mask(file, shape)
        self._file_mask = self._cache.masks.shared_file_mask(read_pixel_mask(self._pixel_mask, 0, shape))

    def _frame(self, segment: Segment, position: int, index: int) -> Frame:
        if segment.dataset is None:
            raise FrameError(
                self.path,
                index,
                f"its data {segment.address} are missing or damaged. Put the file beside this one.",
            )
        file_mask = self._file_mask_of(index, segment)
        first = self._first_mask(segment, file_mask)
        decoded = self._decoded(segment, position, first)
        pixels = decoded.counts
        counts = as_counts(pixels, self.path, index)
        if first is not None and decoded.as_known:
            mask = first.mask
        else:
            mask = self._cache.masks.mask_of(counts, file_mask, self.header.trusted)
        event, centre = self._segments.event(index), self.geometry.beam_centre
        panels, saturation = panels_of(pixels.shape), self.header.trusted.high
        frame = Frame(counts, mask, self.path, index, event, panels, centre, saturation)
        return frame if decoded.reduced is None else replace(frame, reduced=decoded.reduced)

    def _decoded(self, segment: Segment, position: int, first: KnownMask | None) -> Decoded:
        if segment.chunks is None:
            return Decoded(read_through_hdf5(segment.dataset, position, self._cache.pool), as_known=False)
        reduce = self._cache.reduce if segment.dataset.ndim == 3 else None  # of a frame without panels
        return segment.chunks.read(position, self._cache.pool, first, reduce)

    def _first_mask(self, segment: Segment, file_mask: Mask | None) -> KnownMask | None:
        """Return the mask of the run's first such frame, where the decoder can compare with it."""
        if segment.chunks is None or segment.dataset.dtype.kind == "f":  # the decoder compares integers
            return None
        return self._cache.masks.first(
            segment.chunks.shape, segment.dataset.dtype, file_mask, self.header.trusted
        )

    def _file_mask_of(self, index: int, segment: Segment) -> Mask | None:
        if self._pixel_mask is None or not self._pixel_mask.per_frame:
            return self._file_mask
        mask = read_pixel_mask(self._pixel_mask, index, frame_shape(segment.dataset))
        return self._cache.masks.shared_file_mask(mask)


def _open(path: str, open_file: Callable[[str], Any]) -> Any:
    try:
        return open_file(path)
    except (OSError, RuntimeError, ValueError) as error:
        raise RunError(f"{path}: {_why_not_opened(error)}") from None


def _why_not_opened(error: Exception) -> str:
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


HDF5 = Format(
    "HDF5",
    (".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".cxi"),
    HDF5Source,
    recognise=lambda start: start.startswith(SIGNATURE),
    single_frame=False,
    compressed=False,
)
