"""Patterns of PANalytical instruments: .xrdml, read by the standard library's XML parser."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import InputError
from fedbragg.tasks.phases.files.columns import Columns

LARGEST = 256 * 2**20
"""Bytes; a powder pattern is never larger."""


def read_xrdml(path: Path) -> Columns:
    """Read the first scan: two-theta from its ends or its list, counts or intensities, and the wavelength K-alpha 1."""
    root = _root(path)
    points = next(root.iterfind(".//{*}scan/{*}dataPoints"), None)
    if points is None:
        raise InputError(f"{path}: holds no scan (xrdMeasurement/scan/dataPoints).")
    intensity = next((_floats(path, points.find(f"{{*}}{name}")) for name in ("counts", "intensities")
                      if points.find(f"{{*}}{name}") is not None), None)  # fmt: skip
    if intensity is None:
        raise InputError(f"{path}: its scan has neither counts nor intensities.")
    axis = next((p for p in points.iterfind("{*}positions") if p.get("axis") == "2Theta"), None)
    if axis is None:
        raise InputError(f"{path}: its scan is not along 2Theta.")
    factor = points.find("{*}beamAttenuationFactors")
    if factor is not None:
        factors = _floats(path, factor)
        intensity = intensity * (factors if len(factors) == len(intensity) else 1.0)
    return Columns(_axis(path, axis, len(intensity)), intensity, "degree", _wavelength(path, root))


def _root(path: Path) -> Xml.Element:
    size = path.stat().st_size
    if size > LARGEST:
        raise InputError(f"{path}: {size / 2**20:.0f} MiB is not a powder pattern.")
    raw = path.read_bytes()
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw or raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        # Nested entities can fill the memory; no instrument writes any. In UTF-16 this search would miss them.
        raise InputError(f"{path}: an .xrdml file with entities of its own, or not in UTF-8, is not read.")
    try:
        return Xml.fromstring(raw)
    except Xml.ParseError as error:
        raise InputError(f"{path}: not an .xrdml file ({error}).") from None


def _floats(path: Path, element: Xml.Element | None) -> NDArray[np.float64]:
    try:
        return np.array(
            [float(word) for word in ((element.text if element is not None else "") or "").split()]
        )
    except ValueError as error:
        raise InputError(f"{path}: not an .xrdml file ({error}).") from None


def _axis(path: Path, positions: Xml.Element, points: int) -> NDArray[np.float64]:
    listed = positions.find("{*}listPositions")
    if listed is not None:
        return _floats(path, listed)
    ends = [_floats(path, positions.find(f"{{*}}{name}")) for name in ("startPosition", "endPosition")]
    if any(len(end) != 1 for end in ends):
        raise InputError(f"{path}: its 2Theta axis has no start and end.")
    return np.linspace(ends[0][0], ends[1][0], points)


def _wavelength(path: Path, root: Xml.Element) -> float | None:
    values = _floats(path, next(root.iterfind(".//{*}usedWavelength/{*}kAlpha1"), None))
    return float(values[0]) if len(values) and values[0] > 0 else None
