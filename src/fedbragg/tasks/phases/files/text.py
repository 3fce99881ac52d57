"""Patterns as columns of text: .xy, .xye, .csv, .chi, .dat. Comments are skipped; the header may name the unit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from fedbragg.errors import InputError
from fedbragg.tasks.phases.files.columns import Columns

HEADER_LINES = 200
"""Most lines without numbers before the first point."""
LARGEST = 64 * 2**20
"""Bytes; a powder pattern is never larger."""


def read_text(path: Path) -> Columns:
    """Read the first two columns; the third (errors) and later ones are ignored."""
    rows, head = _rows(path, _text(path))
    if not rows:
        raise InputError(f"{path}: holds no numbers. Give two columns: two-theta in degrees, and intensity.")
    if min(map(len, rows)) < 2:
        raise InputError(f"{path}: one column only. Give two: two-theta in degrees, and intensity.")
    if len(rows[0]) == 2 and rows[0][1] == 0 and rows[0][0] == len(rows) - 1:
        rows = rows[1:]  # some programs write the number of points before them
    table = np.array([row[:2] for row in rows])
    return Columns(table[:, 0], table[:, 1], _unit(head))


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path}: {path.stat().st_size / 2**20:.0f} MiB of text is not a powder pattern.")
    raw = path.read_bytes()
    if b"\0" in raw[:4096]:
        raise InputError(
            f"{path}: not text. Give .npy, .xy, .xye, .csv, .chi or .xrdml, or an image with --poni."
        )
    return raw.decode("utf-8", errors="replace").lstrip("\ufeff")


def _rows(path: Path, text: str) -> tuple[list[list[float]], str]:
    """Split a text into its rows of numbers and the header before them."""
    rows: list[list[float]] = []
    head: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        numbers = _numbers(stripped) if stripped and stripped[0] not in "#!%;/'\"" else None
        if numbers is not None and (len(numbers) > 1 or rows or not _is_count(numbers, path)):
            rows.append(numbers)
        elif rows and stripped and stripped[0] not in "#!%;/'\"":
            raise InputError(f"{path} line {number}: {stripped[:40]!r} is not a row of numbers.")
        elif not rows:
            head.append(stripped)
            if len(head) > HEADER_LINES:
                break
    return rows, "\n".join(head)


def _is_count(numbers: list[float], path: Path) -> bool:
    """Tell whether a single number before the points is their count, as in .chi files."""
    return path.suffix.lower() == ".chi" and len(numbers) == 1


def _numbers(line: str) -> list[float] | None:
    separator = ";" if ";" in line else "," if "," in line else None
    words = [word for word in line.split(separator) if word.strip()]
    try:
        return [float(word) for word in words]
    except ValueError:
        return None


def _unit(head: str) -> str:
    """Return the axis's unit: of q, where the header names it as pyFAI and others do, else degrees of two-theta."""
    text = head.lower()
    if re.search(r"q[_ ]*[(\[]?(nm\^-1|1/nm|nm-1)", text):
        return "1/nm"
    if re.search(r"q[_ ]*[(\[]?(a\^-1|1/a|å|a-1|angstrom)", text) or re.match(r"q\s*[,;\t]", text):
        return "1/angstrom"
    return "degree"
