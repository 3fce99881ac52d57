"""Geometry and trusted range out of the headers of detector pictures."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fedbragg.images.mask import Trusted
from fedbragg.images.units import metres
from fedbragg.types import Geometry

NUMBER = r"([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)"


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture says of its detector beside the counts."""

    geometry: Geometry
    trusted: Trusted


def read_header(image: Any, reader: str, content: bytes) -> Header:
    """Return what the header of a fabio image says; ``reader`` is fabio's name for the format."""
    if reader == "marccdimage":
        return read_marccd(content)
    header = dict(image.header)
    if "Pixel_size" in header:
        return read_dectris("\n".join(f"# {key} {value}" for key, value in header.items()))
    read = READERS.get(reader)
    return read(header) if read else Header(Geometry(), Trusted())


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
    """Read an ADSC header: lengths in millimetres, wavelength in angstrom.

    ADSC's x runs down the rows and its y along them, as DENZO has it; the rings of measured files confirm it.
    """
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
            beam_centre=None if not pixel or x is None or y is None else (y / pixel, x / pixel),
            pixel_size=None if not pixel else (pixel * 1e-3, pixel * 1e-3),
        ),
        Trusted(high=saturation),
    )


def read_marccd(content: bytes) -> Header:
    """Read a MarCCD header, which begins at byte 1024 of the TIFF; a zero is a field that was not set."""

    def number(offset: int, unit: float) -> float | None:
        raw = int.from_bytes(content[1024 + offset : 1028 + offset], "little", signed=True)
        return raw * unit if raw > 0 else None

    return Header(
        Geometry(
            detector="MarCCD",
            wavelength=number(908, 1e-5),  # femtometre
            distance=number(696, 1e-6) or number(640, 1e-6),  # micrometre, at the start or as it was last set
            beam_centre=_pair(number(644, 1e-3), number(648, 1e-3)),  # thousandths of a pixel
            pixel_size=_pair(number(772, 1e-9), number(776, 1e-9)),  # nanometre
        ),
        Trusted(high=number(104, 1)),
    )


def _read_mar345(header: dict[str, Any]) -> Header:
    """Read a mar345 header: millimetre, micrometre, angstrom and pixels."""
    distance, x, y, width, height, wavelength = (
        _leading(header.get(key)) or None
        for key in ("DISTANCE", "CENTER_X", "CENTER_Y", "PIXEL_LENGTH", "PIXEL_HEIGHT", "WAVELENGTH")
    )
    return Header(
        Geometry(
            detector=f"mar345 {header.get('SCANNER', '')}".strip(),
            wavelength=wavelength,
            distance=None if distance is None else distance * 1e-3,
            beam_centre=_pair(x, y),
            pixel_size=None if width is None or height is None else (width * 1e-6, height * 1e-6),
        ),
        Trusted(),
    )


def _read_edf(header: dict[str, Any]) -> Header:
    """Read the keys that ESRF beamlines write into EDF: metres and pixels."""
    wavelength, distance, x, y, width, height = (
        _leading(header.get(key))
        for key in ("WaveLength", "SampleDistance", "Center_1", "Center_2", "PSize_1", "PSize_2")
    )
    return Header(
        Geometry(
            wavelength=None if wavelength is None else wavelength * 1e10,
            distance=distance,
            beam_centre=_pair(x, y),
            pixel_size=_pair(width, height),
        ),
        Trusted(),
    )


def _read_bruker(header: dict[str, Any]) -> Header:
    """Read a Bruker header: centimetre, angstrom and pixels."""
    centre = [float(value) for value in re.findall(NUMBER, str(header.get("CENTER", "")))[:2]]
    distance = [float(value) for value in re.findall(NUMBER, str(header.get("DISTANC", "")))]
    return Header(
        Geometry(
            detector=str(header.get("MODEL") or header.get("DETTYPE") or "") or None,
            wavelength=_leading(header.get("WAVELEN")),
            distance=distance[-1] * 1e-2
            if distance
            else None,  # the second, where there is one, is corrected
            beam_centre=(centre[0], centre[1]) if len(centre) == 2 else None,
        ),
        Trusted(),
    )


def _pair(first: float | None, second: float | None) -> tuple[float, float] | None:
    return None if first is None or second is None else (first, second)


def _number(pattern: str, text: str) -> float | None:
    found = re.search(pattern, text)
    return float(found.group(1)) if found else None


def _leading(value: Any) -> float | None:
    found = re.match(rf"\s*{NUMBER}", str(value))
    return float(found.group(1)) if found else None


def _two(found: re.Match[str] | None) -> tuple[float, float] | None:
    return (float(found.group(1)), float(found.group(2))) if found else None


READERS: dict[str, Callable[[dict[str, Any]], Header]] = {
    "dtrekimage": _read_smv,
    "mar345image": _read_mar345,
    "edfimage": _read_edf,
    "brukerimage": _read_bruker,
    "bruker100image": _read_bruker,
}
