"""Raw messages in numbered files, which a watch records and replay sends again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fedbragg.errors import InputError, RunError
from fedbragg.files import write_whole

DIGITS = 6


class Recorder:
    """Writes each message to the next ``000001.cbor`` of a folder; a full disk ends the recording, not the watch."""

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        """Make the folder, or continue after the files in it; raise InputError where it cannot be written."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"{folder}: cannot write there ({error.strerror}). Give another --record."
            ) from None
        self.written, self.broken = 0, False
        self._folder, self._warn = folder, warn
        self._next = max((int(path.stem) for path in recorded(folder)), default=0) + 1

    def __call__(self, message: bytes) -> None:
        """Write a message."""
        if self.broken:
            return
        try:
            write_whole(self._folder / f"{self._next:0{DIGITS}}.cbor", message)
        except OSError as error:
            self.broken = True
            self._warn(f"{self._folder}: recording ended after {self.written} messages ({error.strerror})")
            return
        self._next += 1
        self.written += 1


def recorded(folder: Path) -> list[Path]:
    """Return the recorded messages of a folder in order."""
    numbered = (path for path in folder.glob("*.cbor") if path.stem.isdigit())
    return sorted(numbered, key=lambda path: int(path.stem))


def recorded_messages(folder: Path) -> list[Path]:
    """Return the recorded messages of a folder in order, start, image and end files too; raise RunError for none."""
    named = [folder / f"{name}.cbor" for name in ("start", "image", "end")]
    found = recorded(folder) or [path for path in named if path.is_file()]
    if not found:
        raise RunError(f"{folder}: holds no recorded message (000001.cbor). Give a folder of watch --record.")
    return found
