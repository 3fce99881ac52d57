"""The table of image formats: those in the package, those that installed packages add, those that are registered.

Another package adds a format by an entry point that names its row, so that every command finds it::

    [project.entry-points."fedbragg.formats"]
    myformat = "mypackage.myformat:MY_FORMAT"
"""

from __future__ import annotations

import bz2
import gzip
import os
import re
import zlib
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import IO, cast

from fedbragg.errors import ConfigError, RunError
from fedbragg.images.files.bruker import BRUKER
from fedbragg.images.files.cbf import CBF
from fedbragg.images.files.edf import EDF
from fedbragg.images.files.esperanto import ESPERANTO
from fedbragg.images.files.ge import GE
from fedbragg.images.files.hipic import HIPIC
from fedbragg.images.files.kcd import KCD
from fedbragg.images.files.mar345 import MAR345
from fedbragg.images.files.marccd import MARCCD
from fedbragg.images.files.numpy_file import NUMPY
from fedbragg.images.files.raxis import RAXIS
from fedbragg.images.files.smv import SMV
from fedbragg.images.files.tiff import TIFF
from fedbragg.images.format import Format
from fedbragg.images.hdf5.source import HDF5
from fedbragg.images.source import RunCache, Source

PACKAGED = (HDF5, CBF, SMV, MARCCD, MAR345, EDF, TIFF, KCD, BRUKER, RAXIS, ESPERANTO, GE, HIPIC, NUMPY)
GROUP = "fedbragg.formats"
"""Group of the entry points."""
COMPRESSIONS = (".gz", ".bz2")
FIRST_BYTES = 4096
NUMBERED = re.compile(r"\.\d{2,6}")
"""An extension that counts the files of a run, as Bruker's x.0026; their content decides the format."""


@cache
def formats() -> dict[str, Format]:
    """Return the format of every known extension; raise ConfigError for an installed one that cannot be used."""
    table: dict[str, Format] = {}
    for format in (*PACKAGED, *map(_load, entry_points(group=GROUP))):
        _add(table, format)
    return table


def _load(point: EntryPoint) -> Format:
    try:
        format: Format = point.load()
    except Exception as error:  # another package's module may fail in any way
        raise ConfigError(
            f"format {point.name}: {point.value} cannot be loaded ({error}). Repair or uninstall its package."
        ) from error
    return format


def register_format(format: Format) -> None:
    """Add a format for this process; raise ConfigError where one of its extensions is taken."""
    _add(formats(), format)


def _add(table: dict[str, Format], format: Format) -> None:
    for extension in format.extensions:
        if extension in table:
            raise ConfigError(
                f"format {format.name}: {extension} is already read as {table[extension].name}. "
                "Leave that extension out."
            )
    table.update(dict.fromkeys(format.extensions, format))


def extension_of(path: str) -> str:
    """Return the extension in lower case, below .gz and .bz2: ``.cbf`` of ``a.CBF.gz``."""
    name = path.lower()
    for compression in COMPRESSIONS:
        name = name.removesuffix(compression)
    dot = name.rfind(".")
    return name[dot:] if dot > name.rfind("/") + 1 else ""


def has_known_extension(name: str) -> bool:
    """Tell whether a file's name is one of an image, compressed only where its format allows it."""
    format = formats().get(extension_of(name))
    return format is not None and (format.compressed or not name.lower().endswith(COMPRESSIONS))


def known_extensions() -> str:
    """Return all known extensions, for messages."""
    return " ".join(formats())


def format_of(path: str) -> Format | None:
    """Return a file's format by its extension, or by its first bytes where the extension is unknown."""
    return formats().get(extension_of(path)) or _by_content(path)


def is_image(path: str) -> bool:
    """Tell whether a file is an image, by its extension, or by its content where that is unknown."""
    if extension_of(path) in formats():
        return has_known_extension(path)
    return _by_content(path) is not None


def is_numbered(name: str) -> bool:
    """Tell whether a file's extension is a number."""
    return NUMBERED.fullmatch(extension_of(name)) is not None


def _by_content(path: str) -> Format | None:
    start = _first_bytes(path)
    return next((row for row in formats().values() if row.recognise and row.recognise(start)), None)


def is_hdf5(path: str) -> bool:
    """Tell whether a file is read as HDF5."""
    return format_of(path) is HDF5


def holds_single_frame(path: str) -> bool:
    """Tell whether every file of this file's extension holds one frame, so that it counts without being opened."""
    format = formats().get(extension_of(path))
    return format is not None and format.single_frame


def open_source(path: str, cache: RunCache) -> Source:
    """Open a file by its format; raise RunError."""
    if not Path(path).exists():
        raise RunError(f"{path}: no such file. Check the path, and that its disk is mounted.")
    if not os.access(path, os.R_OK):
        raise RunError(f"{path}: no permission to read it. Ask its owner, or change its access rights.")
    format = format_of(path)
    if format is None:
        raise RunError(
            f"{path}: unknown extension {extension_of(path) or '(none)'}. Known ones: {known_extensions()}."
        )
    return format.open(path, cache)


def _first_bytes(path: str) -> bytes:
    """Return the first bytes of a file's content, decompressed; none where it cannot be read."""
    try:
        with _opened(path) as file:
            return file.read(FIRST_BYTES)
    except (OSError, EOFError, ValueError, zlib.error):
        return b""


def _opened(path: str) -> IO[bytes]:
    name = path.lower()
    if name.endswith(".gz"):
        return cast(IO[bytes], gzip.open(path))
    return cast(IO[bytes], bz2.open(path)) if name.endswith(".bz2") else Path(path).open("rb")
