"""The header that DECTRIS detectors write into CBF and TIFF files: ``# Detector_distance 0.35 m`` and the like."""

from __future__ import annotations

import re

from fedbragg.images.files.header_text import NUMBER
from fedbragg.images.header import Header, stated_centre
from fedbragg.images.mask import TrustedRange
from fedbragg.types import Geometry


def read_dectris_header(text: str) -> Header:
    """Return geometry and cutoff; lengths in metres and angstrom, beam centre in pixels."""
    detector = re.search(r"Detector:\s*([^\r\n]+)", text)
    return Header(
        Geometry(
            detector=detector.group(1).strip() if detector else None,
            wavelength=_number(rf"Wavelength\s+{NUMBER}\s*A", text),
            distance=_number(rf"Detector_distance\s+{NUMBER}\s*m", text),
            beam_centre=stated_centre(
                *(_two_numbers(rf"Beam_xy\s+\(\s*{NUMBER}\s*,\s*{NUMBER}\s*\)", text) or (None, None))
            ),
            pixel_size=_two_numbers(rf"Pixel_size\s+{NUMBER}\s*m\s*x\s*{NUMBER}\s*m", text),
        ),
        TrustedRange(high=_number(rf"Count_cutoff\s+{NUMBER}", text)),
    )


def _number(pattern: str, text: str) -> float | None:
    found = re.search(pattern, text)
    return float(found.group(1)) if found else None


def _two_numbers(pattern: str, text: str) -> tuple[float, float] | None:
    found = re.search(pattern, text)
    return (float(found.group(1)), float(found.group(2))) if found else None
