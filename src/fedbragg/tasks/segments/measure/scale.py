"""The length of a pixel, as people write it: 0.2um, 200 nm, 0.001 mm."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fedbragg.errors import InputError

MICROMETRES = {"nm": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "mm": 1e3}
WRITTEN = re.compile(r"\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)\s*([a-zµμ]+)\s*")


@dataclass(frozen=True, slots=True)
class Scale:
    """The length of a pixel."""

    micrometres: float | None = None  # None if unknown

    @property
    def unit(self) -> str:
        """Return the unit of lengths."""
        return "um" if self.micrometres is not None else "px"

    @property
    def length(self) -> float:
        """Return a pixel's length in the unit."""
        return self.micrometres if self.micrometres is not None else 1.0


def read_scale(text: str | None) -> Scale:
    """Read the length of a pixel with its unit; raise InputError where the text is no length."""
    if text is None:
        return Scale()
    match = WRITTEN.fullmatch(text)
    if match is not None and match[2] in MICROMETRES:
        try:
            length = float(match[1]) * MICROMETRES[match[2]]
        except ValueError:
            length = 0.0
        if 0 < length < 1e6:
            return Scale(length)
    raise InputError(
        f"--scale {text}: not the length of a pixel. Write a number with nm, um or mm, such as 0.2um."
    )
