"""Detector pictures, one or few frames a file: CBF, SMV, MarCCD, mar345, EDF, TIFF, KCD, Bruker, by fabio."""

from __future__ import annotations

import bz2
import gzip
import logging
import zlib
from pathlib import Path
from typing import Any

from fedbragg.errors import FrameError, RunError
from fedbragg.images.headers import read_header
from fedbragg.images.source import Shared, as_counts
from fedbragg.types import Frame, Geometry


class PictureSource:
    """A picture file; it is read and decoded when its first frame is asked for."""

    def __init__(self, path: str, shared: Shared) -> None:
        self.path = path
        self._masks = shared.masks
        try:
            self._image = _open(path)
        except FrameError as error:
            raise RunError(f"{path}: {error.reason}") from None
        header = read_header(self._image)
        self.geometry: Geometry = header.geometry
        self._trusted = header.trusted

    def __len__(self) -> int:
        """Return the number of frames."""
        return int(self._image.nframes)

    def read(self, index: int) -> Frame:
        """Return one frame, or raise FrameError."""
        try:
            image = self._image if index == 0 else self._image.getframe(index)
            pixels = image.data
        except Exception as error:  # fabio raises anything at all on a damaged file
            raise FrameError(self.path, index, _damaged(error)) from None
        if pixels is None:
            raise FrameError(self.path, index, "holds no pixels. Copy the file again from its source.")
        counts = as_counts(pixels, self.path, index)
        return Frame(counts, self._masks.mask(counts, None, self._trusted), self.path, index)

    def close(self) -> None:
        """Let go of the file."""
        self._image = None


def read_bytes(path: str) -> bytes:
    """Return what a file holds, unpacked where it is packed; both packings carry a checksum, which is checked."""
    try:
        content = Path(path).read_bytes()
        if path.lower().endswith(".gz"):
            return gzip.decompress(content)
        if path.lower().endswith(".bz2"):
            return bz2.decompress(content)
    except FileNotFoundError:
        raise FrameError(path, 0, "no such file. Check the path, and that its disk is mounted.") from None
    except PermissionError:
        raise FrameError(
            path, 0, "no permission to read it. Ask its owner, or change its access rights."
        ) from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise FrameError(path, 0, _damaged(error)) from None
    return content


def _open(path: str) -> Any:
    import fabio
    from fabio.fabioutils import BytesIO

    logging.getLogger("fabio").setLevel(logging.CRITICAL)  # what it logs comes out as our own errors
    content = read_bytes(path)
    try:
        stream = BytesIO(content, fname=path)
        return fabio.open(stream)
    except Exception as error:  # fabio raises anything at all on a damaged file
        raise FrameError(path, 0, _damaged(error)) from None


def _damaged(error: Exception) -> str:
    text = " ".join(str(error).split())[:160]
    return f"cannot be decoded ({text or type(error).__name__}). Check that the extension is right, or copy it again."
