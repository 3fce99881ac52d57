"""Natural order of names: run2 before run10."""

from __future__ import annotations

import re

NUMBER = re.compile(r"(\d+)")


def natural_key(text: str) -> list[str | int]:
    """Return a sorting key in which runs of digits count as numbers."""
    parts: list[str | int] = list(NUMBER.split(text))
    parts[1::2] = map(int, parts[1::2])
    return parts
