"""Geometry and trusted range of an HDF5 file in the fields of NXmx, CXI or CXIDB entry 76."""

from __future__ import annotations

from typing import Any

from fedbragg.images.hdf5.fields import detector_group, first_group, scalar, text, unit
from fedbragg.images.header import Header, pair
from fedbragg.images.mask import TrustedRange
from fedbragg.images.units import angstroms, metres, wavelength_of
from fedbragg.types import Geometry

BEAMS = (
    "entry/instrument/beam",
    "entry/sample/beam",
    "entry_1/instrument_1/source_1",
    "entry_1/sample_1/beam",
)


def read_header(file: Any) -> Header:
    """Return the geometry and the trusted range of an open file."""
    if scalar(file, "metadata/idh5_version") is not None or "metadata/PIXEL_SIZE" in file:
        return _read_cxidb(file)
    detector = detector_group(file)
    return Header(
        Geometry(
            detector=text(detector, "description"),
            wavelength=_wavelength(file),
            distance=_length(detector, "detector_distance", "distance"),
            beam_centre=_beam_centre(detector),
            pixel_size=pair(_length(detector, "x_pixel_size"), _length(detector, "y_pixel_size")),
        ),
        TrustedRange(scalar(detector, "underload_value"), _positive(scalar(detector, "saturation_value"))),
    )


def _read_cxidb(file: Any) -> Header:
    """Read the fields of CXIDB entry 76: lengths in millimetres, wavelength in angstrom."""
    chunk = next((group for name, group in sorted(file["data"].items()) if "images" in group), None)
    pixel = scalar(file, "metadata/PIXEL_SIZE")
    centre = [scalar(file, f"metadata/BEAM_CENTER_{axis}") for axis in "XY"]
    distance = scalar(chunk, "distance")
    return Header(
        Geometry(
            wavelength=_positive(scalar(chunk, "wavelength")),
            distance=None if distance is None else distance * 1e-3,
            beam_centre=pair(*(None if value is None or not pixel else value / pixel for value in centre)),
            pixel_size=None if pixel is None else (pixel * 1e-3, pixel * 1e-3),
        ),
        TrustedRange(
            scalar(file, "metadata/MIN_TRUSTED_VALUE"), _positive(scalar(file, "metadata/SATURATED_VALUE"))
        ),
    )


def _wavelength(file: Any) -> float | None:
    """Return the wavelength in angstrom, from the first beam that gives it or its photons' energy."""
    for place in BEAMS:
        beam = first_group(file, (place,))
        for name in ("incident_wavelength", "wavelength"):
            length = scalar(beam, name)
            if length:
                return angstroms(length, unit(beam, name) or "angstrom")
        for name in ("incident_energy", "energy"):
            energy = scalar(beam, name)
            if energy:
                return wavelength_of(energy, unit(beam, name) or ("J" if energy < 1e-6 else "eV"))
    return None


def _beam_centre(detector: Any) -> tuple[float, float] | None:
    """Return the beam centre in pixels (column, row), which a file may give as lengths."""
    return pair(*(_beam_position(detector, axis) for axis in "xy"))


def _beam_position(detector: Any, axis: str) -> float | None:
    name = f"beam_center_{axis}"
    value, size = scalar(detector, name), _length(detector, f"{axis}_pixel_size")
    length = None if value is None else metres(value, unit(detector, name) or "pixel")
    return value if length is None or not size else length / size


def _length(group: Any, *names: str) -> float | None:
    """Return the first length present of several, in metres, even if the file names no unit."""
    for name in names:
        value = scalar(group, name)
        if value is not None:
            return metres(value, unit(group, name) or "m")
    return None


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None
