"""Find the micrographs and masks that files, globs and folders name."""

from __future__ import annotations

from collections.abc import Sequence
from glob import glob
from pathlib import Path

from fedbragg.errors import LabelError, RunError
from fedbragg.images.paths import is_glob
from fedbragg.images.sorting import natural_key
from fedbragg.tasks.segments.picture_file import SUFFIXES


def find_pictures(paths: Sequence[str]) -> list[Path]:
    """Return the pictures that files, globs and folders name, each of these in natural order.

    A file named by its own path is always returned. Raises RunError where a folder or a glob holds no picture.
    """
    found = [path for name in paths for path in _expand(name)]
    return list(dict.fromkeys(found))


def find_masks(folder: Path) -> dict[str, Path]:
    """Return the masks in a folder by their stem; raise LabelError where there is none."""
    if not folder.is_dir():
        raise LabelError(
            f"{folder}: no such folder. Give the folder of the masks, one for each picture's name."
        )
    masks = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES}
    if not masks:
        raise LabelError(
            f"{folder}: holds no mask. Give one picture of class indices for each micrograph's name."
        )
    return masks


def _expand(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        found = [file for file in path.rglob("*") if not any(part.startswith(".") for part in file.parts)]
    elif is_glob(name) and not path.exists():
        found = [Path(match) for match in glob(name, recursive=True)]  # noqa: PTH207  as the pattern is written
    else:
        return [path]
    pictures = [file for file in found if file.suffix.lower() in SUFFIXES and file.is_file()]
    if not pictures:
        raise RunError(f"{name}: holds no picture. Give {', '.join(SUFFIXES)}.")
    return sorted(pictures, key=lambda file: natural_key(str(file)))
