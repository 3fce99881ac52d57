"""Geometry and trusted range out of the headers of detector pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fedbragg.images.geometry import metres
from fedbragg.images.mask import Trusted
from fedbragg.types import Geometry

NUMBER = r"([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)"


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture says of its detector beside the counts."""

    geometry: Geometry
    trusted: Trusted


def read_header(image: Any) -> Header:
    """Return the geometry that a fabio image's header gives; what it does not give is None."""
    header = dict(image.header)
    text = str(header.get("_array_data.header_contents", ""))
    if not text and "Pixel_size" in header:
        text = "\n".join(f"# {key} {value}" for key, value in header.items())
    if text:
        return read_dectris(text)
    if "BEAM_CENTER_X" in header:
        return _read_smv(header)
    return Header(Geometry(), Trusted())


def read_dectris(text: str) -> Header:
    """Read the lines that DECTRIS writes into CBF and TIFF files (# Detector_distance 0.35 m ...)."""
    size = re.search(rf"Pixel_size\s+{NUMBER}\s*m\s*x\s*{NUMBER}\s*m", text)
    beam = re.search(rf"Beam_xy\s+\(\s*{NUMBER}\s*,\s*{NUMBER}\s*\)", text)
    detector = re.search(r"Detector:\s*([^\r\n]+)", text)
    return Header(
        Geometry(
            detector=detector.group(1).strip() if detector else None,
            wavelength=_number(rf"Wavelength\s+{NUMBER}\s*A", text),
            distance=_number(rf"Detector_distance\s+{NUMBER}\s*m", text),
            beam_centre=_two(beam),
            pixel_size=_two(size),
        ),
        Trusted(high=_number(rf"Count_cutoff\s+{NUMBER}", text)),
    )


def _read_smv(header: dict[str, Any]) -> Header:
    """Read an ADSC header: lengths in millimetres, wavelength in angstrom, beam centre from the corner."""
    pixel, x, y, distance, wavelength, saturation = (
        _leading(header.get(key))
        for key in (
            "PIXEL_SIZE",
            "BEAM_CENTER_X",
            "BEAM_CENTER_Y",
            "DISTANCE",
            "WAVELENGTH",
            "CCD_IMAGE_SATURATION",
        )
    )
    return Header(
        Geometry(
            detector=f"ADSC {header['DETECTOR_SN']}" if "DETECTOR_SN" in header else None,
            wavelength=wavelength,
            distance=None if distance is None else metres(distance, "mm"),
            beam_centre=None if not pixel or x is None or y is None else (x / pixel, y / pixel),
            pixel_size=None if not pixel else (pixel * 1e-3, pixel * 1e-3),
        ),
        Trusted(high=saturation),
    )


def _number(pattern: str, text: str) -> float | None:
    found = re.search(pattern, text)
    return float(found.group(1)) if found else None


def _leading(value: Any) -> float | None:
    found = re.match(rf"\s*{NUMBER}", str(value))
    return float(found.group(1)) if found else None


def _two(found: re.Match[str] | None) -> tuple[float, float] | None:
    return (float(found.group(1)), float(found.group(2))) if found else None
