"""The folder that a command writes into."""

from __future__ import annotations

from pathlib import Path

from fedbragg.errors import InputError


def make_folder(folder: Path) -> None:
    """Make a folder and its parents; raise InputError where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror}). Give another --out.") from None
