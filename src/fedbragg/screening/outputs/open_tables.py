"""Tables that grow while a run is screened, and that a resumed screening cuts to what is valid."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

from fedbragg.errors import InputError


class OpenTables:
    """The open tables of a folder; use `open_tables` to open them."""

    def __init__(self, folder: Path, heads: Mapping[str, str], sizes: Mapping[str, int]) -> None:
        """Open each table, new with its head or cut to its size."""
        self._files = {name: _open(folder / name, head, sizes.get(name)) for name, head in heads.items()}

    def __contains__(self, name: str) -> bool:
        """Return whether a table is open."""
        return name in self._files

    def __getitem__(self, name: str) -> IO[str]:
        """Return a table by its name."""
        return self._files[name]

    def flush(self) -> dict[str, int]:
        """Hand everything to the operating system; return each table's name and size in bytes."""
        for file in self._files.values():
            file.flush()
        return {name: os.fstat(file.fileno()).st_size for name, file in self._files.items()}

    def close(self) -> None:
        """Close the tables."""
        for file in self._files.values():
            with suppress(OSError):  # a full disk has been reported by then
                file.close()


@contextmanager
def open_tables(
    folder: Path, heads: Mapping[str, str], sizes: Mapping[str, int] | None = None
) -> Iterator[OpenTables]:
    """Open tables in a folder, which is made; ``heads`` holds the name of each and its first line.

    Tables with a size are cut to these many bytes and appended to. Raises InputError where they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tables = OpenTables(folder, heads, sizes or {})
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror}). Give another --out.") from None
    try:
        yield tables
    finally:
        tables.close()


def open_table(path: Path, mode: Literal["r", "w", "a"] = "r") -> IO[str]:
    """Open one of the tables; paths that are not UTF-8 are written and read back unchanged (PEP 383)."""
    return path.open(mode, encoding="utf-8", errors="surrogateescape", newline="")


def _open(path: Path, head: str, size: int | None) -> IO[str]:
    if size is None:
        file = open_table(path, "w")
        file.write(head)
        return file
    os.truncate(path, size)
    return open_table(path, "a")
