"""Detector pictures, one or few frames a file: SMV, MarCCD, mar345, EDF, TIFF, KCD, Bruker, by fabio."""

from __future__ import annotations

import logging
import threading
from importlib import import_module
from typing import Any

from fedbragg.errors import FrameError, RunError
from fedbragg.images.files.headers import read_header
from fedbragg.images.files.integrity import DamagedFileError, check_intact, read_bytes
from fedbragg.images.paths import ARRAYS, PICTURES, STACKS, extension
from fedbragg.images.source import Shared, as_counts
from fedbragg.types import Frame

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


CLASSES = {
    "OXDimage": "OXDimage",
    **{
        f"{name.lower()}image": f"{name}Image"
        for name in ("Bruker", "Bruker100", "Dtrek", "Edf", "Kcd", "Mar345")
    },
    **{f"{name.lower()}image": f"{name}Image" for name in ("Marccd", "Pilatus", "Tif")},
}
"""fabio's modules and their classes."""


class PictureSource:
    """A picture file, read whole when it is opened."""

    def __init__(self, path: str, shared: Shared) -> None:
        self.path = path
        self._masks = shared.masks
        self._lock = threading.Lock()  # fabio's frames share one position in the file
        try:
            content = read_bytes(path)
            reader = _reader(content, path)
            check_intact(content, reader)
            self._image = _read(content, path, reader)
            header = read_header(self._image, reader, content)
        except DamagedFileError as error:
            raise RunError(f"{path}: {error}") from None
        except Exception as error:  # fabio raises anything at all on a damaged file
            raise RunError(f"{path}: {_damaged(error)}") from None
        self.geometry, self._trusted = header.geometry, header.trusted

    def __len__(self) -> int:
        """Return the number of frames."""
        return int(self._image.nframes)

    def read(self, index: int) -> Frame:
        """Return one frame, or raise FrameError."""
        try:
            with self._lock:
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


def _read(content: bytes, path: str, reader: str) -> Any:
    from fabio.fabioutils import BytesIO

    logging.getLogger("fabio").setLevel(logging.CRITICAL)  # what it logs comes out as our own errors
    # Not by fabio's own registry, which fills itself at its first use and must not be used from two threads then.
    image = getattr(import_module(f"fabio.{reader}"), CLASSES[reader])()
    return image.read(BytesIO(content, fname=path))


def _reader(content: bytes, path: str) -> str:
    """Return fabio's reader for a file, by its extension; its first bytes settle what the extension leaves open."""
    kind = extension(path)
    if content.startswith(b"\x89HDF"):
        raise DamagedFileError("is an HDF5 file. Give it the extension .h5.")
    if kind in (".tif", ".tiff"):
        return "pilatusimage" if content.startswith(b"II*\0\x82\0") else "tifimage"
    if kind in (".gfrm", ".sfrm"):
        return "bruker100image" if content.startswith(b"FORMAT :100") else "brukerimage"
    if kind in (".img", ".smv"):
        return "OXDimage" if content.startswith(b"OD") else "dtrekimage"
    if kind in READERS:
        return READERS[kind]
    known = " ".join((*STACKS, *PICTURES, *ARRAYS))
    raise DamagedFileError(f"unknown extension {kind or '(none)'}. Known ones: {known}.")


def _damaged(error: Exception) -> str:
    text = " ".join(str(error).split())[:160]
    return f"cannot be decoded ({text or type(error).__name__}). Check that the extension is right, or copy it again."
