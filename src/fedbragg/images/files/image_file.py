"""Files of one or few images: the interface of a format, and the source of frames built on it."""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from fedbragg.errors import FrameError, RunError
from fedbragg.images.counts import as_counts, panels_of
from fedbragg.images.header import Header
from fedbragg.images.source import OpenSource, RunCache, Source
from fedbragg.types import Counts, Frame


class UnreadableFileError(Exception):
    """A problem of a file and the remedy, in one line without the path, which the source adds."""


class ImageFile(Protocol):
    """An open file of a format; several threads may call ``pixels`` at once."""

    @property
    def header(self) -> Header:
        """Return the file's facts about its detector."""
        ...

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def pixels(self, index: int) -> Counts:
        """Return one image as the file has it, or raise UnreadableFileError."""
        ...


@dataclass(frozen=True, slots=True)
class SingleImage:
    """A file of one image, decoded whenever it is asked for."""

    decode: Callable[[], Counts]  # returns (rows, cols)
    header: Header = field(default_factory=Header)

    def __len__(self) -> int:
        """Return 1."""
        return 1

    def pixels(self, index: int) -> Counts:
        """Return the image, or raise UnreadableFileError."""
        return self.decode()


@dataclass(frozen=True, slots=True)
class OneOfPanels:
    """A file whose images are the panels of one frame."""

    file: ImageFile

    @property
    def header(self) -> Header:
        """Return the file's."""
        return self.file.header

    def __len__(self) -> int:
        """Return 1."""
        return 1

    def pixels(self, index: int) -> Counts:
        """Return all images (panels, rows, cols), or raise UnreadableFileError."""
        return np.stack([self.file.pixels(panel) for panel in range(len(self.file))])


OpenImageFile = Callable[[str], ImageFile]
"""Opens the file at a path, or raises UnreadableFileError."""


def opened_by(open_file: OpenImageFile) -> OpenSource:
    """Return a function that opens the same files as sources of frames."""

    def open_source(path: str, cache: RunCache) -> Source:
        return ImageFileSource(path, open_file, cache)

    return open_source


class ImageFileSource:
    """The frames of an image file: pixels made counts, each frame with its mask."""

    def __init__(self, path: str, open_file: OpenImageFile, cache: RunCache) -> None:
        self.path = path
        self._masks = cache.masks
        try:
            file = open_file(path)
            self._file: ImageFile = OneOfPanels(file) if cache.panels else file
        except Exception as error:  # decoders raise anything at all on a damaged file
            raise RunError(f"{path}: {_reason(error)}") from None
        self.geometry = self._file.header.geometry

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._file)

    def read(self, index: int) -> Frame:
        """Return one frame, or raise FrameError."""
        try:
            pixels = self._file.pixels(index)
        except Exception as error:  # decoders raise anything at all on a damaged file
            raise FrameError(self.path, index, _reason(error)) from None
        counts = as_counts(pixels, self.path, index)
        mask = self._masks.mask_of(counts, None, self._file.header.trusted)
        return Frame(
            counts,
            mask,
            self.path,
            index,
            panels=panels_of(pixels.shape),
            beam_centre=self.geometry.beam_centre,
            saturation=self._file.header.trusted.high,
        )

    def close(self) -> None:
        """Do nothing: the file's content is freed together with this object."""


def read_bytes(path: str) -> bytes:
    """Return the content of a file, decompressed where it is .gz or .bz2; raise UnreadableFileError.

    Both compressions carry a checksum, which is checked.
    """
    try:
        content = Path(path).read_bytes()
        if path.lower().endswith(".gz"):
            return gzip.decompress(content)
        if path.lower().endswith(".bz2"):
            return bz2.decompress(content)
    except FileNotFoundError:
        raise UnreadableFileError("no such file. Check the path, and that its disk is mounted.") from None
    except PermissionError:
        raise UnreadableFileError(
            "no permission to read it. Ask its owner, or change its access rights."
        ) from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UnreadableFileError(
            f"cannot be decompressed ({error}). Copy it again from its source."
        ) from None
    return content


def _reason(error: Exception) -> str:
    if isinstance(error, UnreadableFileError):
        return str(error)
    text = " ".join(str(error).split())[:160] or type(error).__name__
    return f"cannot be decoded ({text}). Check that the extension is right, or copy it again."
