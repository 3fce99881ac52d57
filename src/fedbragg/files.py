"""Files that are either complete or absent: written beside their place, then moved into it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def written_whole(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Give a path beside ``path`` to write to, and move it there at the end; after an error ``path`` is unchanged.

    A ``durable`` file is on the disk before it is moved, so that it outlives a power cut. Raises OSError.
    """
    fresh = path.with_name(f".{path.name}.unfinished")
    try:
        yield fresh
        if durable:
            with fresh.open("rb") as file:
                os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | str, *, durable: bool = False) -> None:
    """Write a file in one step: a reader sees the old content or the new. Raises OSError."""
    with written_whole(path, durable=durable) as fresh:
        fresh.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
