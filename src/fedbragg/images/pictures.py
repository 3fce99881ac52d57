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
from fedbragg.images.intact import DamagedFileError, check_intact
from fedbragg.images.paths import ARRAYS, PICTURES, STACKS, extension
from fedbragg.images.source import Shared, as_counts
from fedbragg.types import Frame, Geometry

READERS = {
    **{
        ".cbf": "cbfimage",
        ".mccd": "marccdimage",
        ".edf": "edfimage",
        ".kcd": "kcdimage",
        ".kccd": "kcdimage",
    },
    **dict.fromkeys((".mar345", ".mar2300", ".mar3450", ".mar1600", ".mar2400"), "mar345image"),
}


class PictureSource:
    """A picture file; it is read and decoded when its first frame is asked for."""

    def __init__(self, path: str, shared: Shared) -> None:
        self.path = path
        self._masks = shared.masks
        try:
            self._image, reader = _open(path)
        except FrameError as error:
            raise RunError(f"{path}: {error.reason}") from None
        header = read_header(self._image, reader)
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


def _open(path: str) -> tuple[Any, str]:
    """Return fabio's image, and the name of its reader."""
    from fabio.fabioformats import factory
    from fabio.fabioutils import BytesIO

    logging.getLogger("fabio").setLevel(logging.CRITICAL)  # what it logs comes out as our own errors
    content = read_bytes(path)
    try:
        reader = _reader(content, path)
        check_intact(content, reader)
        return factory(reader).read(BytesIO(content, fname=path)), reader
    except DamagedFileError as error:
        raise FrameError(path, 0, f"{error}. Copy the file again from its source.") from None
    except FrameError:
        raise
    except Exception as error:  # fabio raises anything at all on a damaged file
        raise FrameError(path, 0, _damaged(error)) from None


def _reader(content: bytes, path: str) -> str:
    """Return fabio's reader for a file, by its extension; the extension settles what its first bytes cannot."""
    kind = extension(path)
    if content.startswith(b"\x89HDF"):
        raise FrameError(path, 0, "is an HDF5 file. Give it the extension .h5.")
    if kind in (".tif", ".tiff"):
        return "pilatusimage" if content.startswith(b"II*\0\x82\0") else "tifimage"
    if kind in (".gfrm", ".sfrm"):
        return "bruker100image" if content.startswith(b"FORMAT :100") else "brukerimage"
    if kind in (".img", ".smv"):
        return "OXDimage" if content.startswith(b"OD") else "dtrekimage"
    if kind in READERS:
        return READERS[kind]
    raise FrameError(
        path,
        0,
        f"unknown extension {kind or '(none)'}. Known ones: {' '.join((*STACKS, *PICTURES, *ARRAYS))}.",
    )


def _damaged(error: Exception) -> str:
    text = " ".join(str(error).split())[:160]
    return f"cannot be decoded ({text or type(error).__name__}). Check that the extension is right, or copy it again."
