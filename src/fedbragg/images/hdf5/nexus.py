"""Geometry, trusted range and pixel mask of an HDF5 file, in NXmx, CXI or CXIDB-76 words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.mask import Trusted
from fedbragg.images.units import angstroms, metres, wavelength_of
from fedbragg.types import Geometry

DETECTORS = ("entry/instrument/detector", "entry_1/instrument_1/detector_1")
BEAMS = (
    "entry/instrument/beam",
    "entry/sample/beam",
    "entry_1/instrument_1/source_1",
    "entry_1/sample_1/beam",
)
# CXI bits that say nothing against a pixel: in a peak, found by a hit finder, background subtracted.
CXI_HARMLESS = 0x20 | 0x2000 | 0x4000


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says of its detector beside the counts."""

    geometry: Geometry
    trusted: Trusted


def read_metadata(file: Any) -> Metadata:
    """Return geometry and trusted range; fields that the file does not give are None."""
    if _scalar(file, "metadata/idh5_version") is not None or "metadata/PIXEL_SIZE" in file:
        return _read_cxidb(file)
    detector = _detector(file)
    return Metadata(
        Geometry(
            detector=_text(detector, "description"),
            wavelength=_wavelength(file),
            distance=_length(detector, ("detector_distance", "distance")),
            beam_centre=_beam_centre(detector),
            pixel_size=_pair(_length(detector, ("x_pixel_size",)), _length(detector, ("y_pixel_size",))),
        ),
        Trusted(_scalar(detector, "underload_value"), _positive(_scalar(detector, "saturation_value"))),
    )


@dataclass(frozen=True, slots=True, eq=False)
class MaskDataset:
    """Where a file keeps its pixel mask."""

    values: Any  # dataset, or array already in memory
    harmless: int  # bits that say nothing against a pixel
    changes: bool  # whether there is one mask for each frame


def mask_dataset(file: Any, shape: tuple[int, int]) -> MaskDataset | None:
    """Return the file's pixel mask for frames of ``shape``, or None where it has none."""
    areas = _array(file, "metadata/ACTIVE_AREAS", dimensions=1)
    if areas is not None:
        outside = _outside_areas(areas, shape)
        return None if outside is None else MaskDataset(outside, 0, changes=False)
    detector, pixels = _detector(file), shape[0] * shape[1]
    for name in ("pixel_mask", "detectorSpecific/pixel_mask", "mask"):
        values = _item(detector, name)
        if values is None or values.dtype.kind not in "iub" or not pixels or values.size % pixels:
            continue
        harmless = CXI_HARMLESS if name == "mask" and values.dtype.itemsize > 1 else 0
        if values.size:
            return MaskDataset(values, harmless, changes=values.size > pixels)
    return None


def frame_mask(mask: MaskDataset | None, index: int, shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    """Return a frame's (rows, cols) mask, True = ignore."""
    if mask is None:
        return None
    values = np.asarray(mask.values[index] if mask.changes else mask.values[()]).reshape(shape)
    if values.dtype.kind in "iu":
        values = values & ~np.asarray(mask.harmless).astype(values.dtype)
    return np.ascontiguousarray(values != 0)


def _read_cxidb(file: Any) -> Metadata:
    """Read the keys of CXIDB entry 76: lengths in millimetres, wavelength in angstrom."""
    chunk = next((group for name, group in sorted(file["data"].items()) if "images" in group), None)
    pixel = _scalar(file, "metadata/PIXEL_SIZE")
    centre = [_scalar(file, f"metadata/BEAM_CENTER_{axis}") for axis in "XY"]
    distance = _scalar(chunk, "distance")
    return Metadata(
        Geometry(
            wavelength=_positive(_scalar(chunk, "wavelength")),
            distance=None if distance is None else distance * 1e-3,
            beam_centre=_pair(*(None if value is None or not pixel else value / pixel for value in centre)),
            pixel_size=None if pixel is None else (pixel * 1e-3, pixel * 1e-3),
        ),
        Trusted(
            _scalar(file, "metadata/MIN_TRUSTED_VALUE"), _positive(_scalar(file, "metadata/SATURATED_VALUE"))
        ),
    )


def _outside_areas(areas: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.bool_] | None:
    """Mask what lies outside the active areas (first row, first column, end row, end column); one area is all."""
    corners = np.asarray(areas, dtype=np.int64).ravel()
    if corners.size < 8:
        return None
    mask = np.ones(shape, dtype=np.bool_)
    for top, left, bottom, right in corners[: corners.size // 4 * 4].reshape(-1, 4):
        # The outermost pixels of a CSPAD tile are larger than the others: left out, as dxtbx does.
        mask[top + 1 : bottom - 1, left + 1 : right - 1] = False
    return mask


def _wavelength(file: Any) -> float | None:
    for place in BEAMS:
        beam = _first(file, (place,))
        for name in ("incident_wavelength", "wavelength"):
            length = _scalar(beam, name)
            if length:
                return angstroms(length, _unit(beam, name) or "angstrom")
        for name in ("incident_energy", "energy"):
            energy = _scalar(beam, name)
            if energy:
                return wavelength_of(energy, _unit(beam, name) or ("J" if energy < 1e-6 else "eV"))
    return None


def _beam_centre(detector: Any) -> tuple[float, float] | None:
    centre = [_scalar(detector, f"beam_center_{axis}") for axis in "xy"]
    sizes = [_length(detector, (f"{axis}_pixel_size",)) for axis in "xy"]
    pixels = []
    for axis, value, size in zip("xy", centre, sizes, strict=True):
        length = None if value is None else metres(value, _unit(detector, f"beam_center_{axis}") or "pixel")
        pixels.append(value if length is None or not size else length / size)
    return _pair(*pixels)


def _length(group: Any, names: tuple[str, ...]) -> float | None:
    """Return the first of several lengths in metres, in which they are where the file names no unit."""
    for name in names:
        value = _scalar(group, name)
        if value is not None:
            return metres(value, _unit(group, name) or "m")
    return None


def _detector(file: Any) -> Any:
    """Return the detector's group, by its usual name or its NeXus class."""
    usual = _first(file, DETECTORS)
    if usual is not None:
        return usual
    groups = [_first(file, (place,)) for place in ("entry/instrument", "entry_1/instrument_1")]
    members = [item for group in groups if group is not None for item in group.values() if item is not None]
    return next(
        (item for item in members if item.attrs.get("NX_class") in ("NXdetector", b"NXdetector")), None
    )


def _first(file: Any, places: tuple[str, ...]) -> Any:
    import h5py

    for place in places:
        item = _item(file, place)
        if isinstance(item, h5py.Group):
            return item
    return None


def _item(group: Any, name: str) -> Any:
    try:
        return None if group is None else group.get(name)
    except (KeyError, OSError, RuntimeError):
        return None


def _scalar(group: Any, name: str) -> float | None:
    """Return the first element of a numeric dataset, or None."""
    import h5py

    item = _item(group, name)
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "iuf" or not item.size:
        return None
    value = float(np.ravel(item[(0,) * item.ndim])[0])
    return value if np.isfinite(value) else None


def _array(group: Any, name: str, dimensions: int) -> NDArray[Any] | None:
    import h5py

    item = _item(group, name)
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "iub" or item.ndim < dimensions:
        return None
    return np.asarray(item[()])


def _text(group: Any, name: str) -> str | None:
    import h5py

    item = _item(group, name)
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "OS":
        return None
    value = np.ravel(item[()])[0]
    return value.decode("utf-8", "replace").strip("\0 ") if isinstance(value, bytes) else str(value)


def _unit(group: Any, name: str) -> str | None:
    item = _item(group, name)
    unit = None if item is None else item.attrs.get("units")
    return unit.decode("utf-8", "replace") if isinstance(unit, bytes) else unit


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None


def _pair(first: float | None, second: float | None) -> tuple[float, float] | None:
    return None if first is None or second is None else (first, second)
