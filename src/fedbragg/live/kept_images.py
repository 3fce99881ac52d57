"""The kept images of a series as one NXmx file, each chunk written as the detector packed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedbragg.errors import FrameError
from fedbragg.live.packed_image import BITSHUFFLE_LZ4, BITSHUFFLE_ZSTD, LZ4, NO_COMPRESSION, PackedImage
from fedbragg.live.pipeline import UNSCORED
from fedbragg.live.source import LiveFrame
from fedbragg.types import Verdict

NAME = "kept"
"""Name of the file in its series' folder: kept.nxs, then kept-2.nxs where a restarted watch continues."""


@dataclass(frozen=True, slots=True)
class _Open:
    """The open file, and the kind of images that it takes."""

    file: Any
    images: Any  # (images, rows, cols)
    numbers: Any  # (images,) the detector's
    scores: Any  # (images,) NaN where the queue was full
    kind: tuple[object, ...]  # shape, dtype and compression of the first


class KeptImages:
    """Writes kept images one by one; the file can be read while it grows, and after a kill."""

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        """Write to the next free name in a folder; a full disk ends the file, not the watch."""
        number = 1
        while (path := folder / f"{NAME}{'' if number == 1 else f'-{number}'}.nxs").exists():
            number += 1
        self.path, self.written, self.left_out, self._warn = path, 0, 0, warn
        self._open: _Open | None = None
        self._broken = False

    def add(self, frame: LiveFrame, verdict: Verdict) -> None:
        """Write a frame if it is kept; one that cannot be decoded, or is unlike the first, is left out."""
        if not verdict.keep:
            return
        if self._broken or (verdict.score is None and verdict.reason != UNSCORED):
            self.left_out += 1
            return
        try:
            self._write(frame, frame.packed(), verdict)
        except FrameError:
            self.left_out += 1
        except (OSError, RuntimeError) as error:
            self._broken, self.left_out = True, self.left_out + 1
            self._warn(
                f"{self.path}: ends after {self.written} images ({' '.join(str(error).split())[:120]})"
            )

    def in_words(self) -> str:
        """Describe the file's content; empty if image files were not asked for."""
        left_out = f", {self.left_out} left out" if self.left_out else ""
        return (
            f"{self.path} ({self.written} images as they came{left_out})" if self.written or left_out else ""
        )

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            try:
                self._open.file.close()
            except (OSError, RuntimeError) as error:
                self._warn(f"{self.path}: not closed ({' '.join(str(error).split())[:120]})")

    def _write(self, frame: LiveFrame, image: PackedImage, verdict: Verdict) -> None:
        if self._open is None:
            self._open = _create(self.path, frame, image)
        into = self._open
        if _kind(image) != into.kind:
            self.left_out += 1
            return
        number = self.written
        for dataset in (into.images, into.numbers, into.scores):
            dataset.resize(number + 1, axis=0)
        into.images.id.write_direct_chunk((number, 0, 0), image.data)
        into.numbers[number] = verdict.index
        into.scores[number] = np.nan if verdict.score is None else verdict.score
        for dataset in (into.images, into.numbers, into.scores):
            dataset.flush()
        self.written += 1


def _kind(image: PackedImage) -> tuple[object, ...]:
    return image.shape, image.dtype, image.compression


def _create(path: Path, frame: LiveFrame, image: PackedImage) -> _Open:
    import h5py

    from fedbragg.images.hdf5.nxmx_fields import FrameType, write_fields, write_mask
    from fedbragg.images.hdf5.origin import NXMX_ORIGIN, PROGRAM

    mask = frame.read().mask
    file = h5py.File(path, "w", libver="v110")
    saturation = None if frame.saturation is None else int(frame.saturation)
    write_fields(file, FrameType(image.shape, image.dtype), frame.geometry, saturation)
    if mask.any():
        write_mask(file["entry/instrument/detector"], mask, image.shape)
    images = file["entry/data"].create_dataset(
        "data",
        shape=(0, *image.shape),
        maxshape=(None, *image.shape),
        chunks=(1, *image.shape),
        dtype=image.dtype,
        **_filter(image.compression),
    )
    origin = file.create_group(NXMX_ORIGIN)
    origin.attrs["NX_class"] = "NXprocess"
    origin[PROGRAM], origin["source_files"] = "fedbragg", [frame.series]
    numbers = origin.create_dataset("frame", (0,), "i8", maxshape=(None,), chunks=(1024,))
    scores = origin.create_dataset("score", (0,), "f4", maxshape=(None,), chunks=(1024,))
    file.swmr_mode = True
    return _Open(file, images, numbers, scores, _kind(image))


def _filter(compression: str) -> dict[str, Any]:
    """Return the HDF5 filter that reads the bytes of a compression."""
    import hdf5plugin

    filters: dict[str, Any] = {
        BITSHUFFLE_LZ4: hdf5plugin.Bitshuffle(cname="lz4"),
        BITSHUFFLE_ZSTD: hdf5plugin.Bitshuffle(cname="zstd"),
        LZ4: hdf5plugin.LZ4(),
        NO_COMPRESSION: {},
    }
    return dict(filters[compression])
