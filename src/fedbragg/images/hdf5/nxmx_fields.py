"""The fields of an NXmx file beside its images, as nxmx, dxtbx and the DIALS family read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import RunError
from fedbragg.types import Geometry

SENSOR = ("Si", 450e-6)
"""Material and thickness in metres, which NXmx demands and Geometry lacks: today's commonest sensor."""
DISTANCE_AXIS = "/entry/instrument/detector/transformations/distance"
MODULE_AXIS = "/entry/instrument/detector/module/module_offset"
Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class FrameType:
    """Shape and number type that the frames of a run have in common."""

    shape: tuple[int, ...]  # (rows, cols), or (panels, rows, cols)
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class _Axis:
    """A translation in NeXus' chain of transformations."""

    vector: tuple[int, int, int]
    depends_on: str
    offset: Vector = (0.0, 0.0, 0.0)  # metre


def write_fields(file: Any, frame_type: FrameType, geometry: Geometry, saturation: int | None = None) -> None:
    """Write all of an NXmx file but the images, which belong at ``/entry/data/data``, and the mask."""
    import h5py

    file.attrs["default"] = "entry"
    entry = _group(file, "entry", "NXentry")
    entry.attrs["default"] = "data"
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    _texts(entry, definition="NXmx", start_time=now, end_time_estimated=now)
    _texts(_group(entry, "source", "NXsource"), name="fedbragg")
    _texts(_group(entry, "sample", "NXsample"), name="sample", depends_on=".")
    instrument = _group(entry, "instrument", "NXinstrument")
    _texts(instrument, name="fedbragg")
    beam = _group(instrument, "beam", "NXbeam")
    if geometry.wavelength is not None:
        _number(beam, "incident_wavelength", geometry.wavelength, "angstrom")
    data = _group(entry, "data", "NXdata")
    data.attrs["signal"] = "data"
    detector = _group(instrument, "detector", "NXdetector")
    detector["data"] = h5py.SoftLink("/entry/data/data")
    _write_detector(detector, frame_type, geometry, saturation)


def write_mask(detector: Any, mask: NDArray[np.bool_], shape: tuple[int, ...]) -> None:
    """Write which pixels to ignore, True = ignore; raise RunError for another shape than the frames'."""
    import hdf5plugin

    if mask.shape != shape:
        raise RunError(
            f"{detector.file.filename}: mask {mask.shape} for frames {shape}. Give a mask of their shape."
        )
    detector.create_dataset(
        "pixel_mask", data=mask.astype(np.uint32), chunks=shape, **hdf5plugin.Bitshuffle()
    )
    detector["pixel_mask_applied"] = False


def _write_detector(detector: Any, frame_type: FrameType, geometry: Geometry, saturation: int | None) -> None:
    material, thickness = SENSOR
    _texts(
        detector,
        description=geometry.detector or "unknown detector",
        sensor_material=material,
        depends_on=DISTANCE_AXIS,
        type="Pixel",
    )
    _number(detector, "sensor_thickness", thickness, "m")
    detector["bit_depth_image"] = frame_type.dtype.itemsize * 8
    if saturation is not None:
        detector["saturation_value"] = saturation
    if frame_type.dtype.kind == "i":
        detector["underload_value"] = 0
    _write_geometry(detector, geometry)
    _write_transformations(detector, frame_type.shape, geometry)


def _write_geometry(detector: Any, geometry: Geometry) -> None:
    if geometry.distance is not None:
        _number(detector, "distance", geometry.distance, "m")
    for axis, position in (("x", 0), ("y", 1)):
        if geometry.beam_centre is not None:
            _number(detector, f"beam_center_{axis}", geometry.beam_centre[position], "pixel")
        if geometry.pixel_size is not None:
            _number(detector, f"{axis}_pixel_size", geometry.pixel_size[position], "m")


def _write_transformations(detector: Any, shape: tuple[int, ...], geometry: Geometry) -> None:
    """Write where the pixels are in the McStas frame of NeXus: z along the beam, y up, x to the left seen along z."""
    transformations = _group(detector, "transformations", "NXtransformations")
    _translation(transformations, "distance", geometry.distance or 0.0, _Axis((0, 0, 1), "."))
    module = _group(detector, "module", "NXdetector_module")
    module["data_origin"] = np.zeros(2, dtype=np.int64)
    module["data_size"] = np.array(shape, dtype=np.int64)
    width, height = geometry.pixel_size or (0.0, 0.0)
    column, row = geometry.beam_centre or (0.0, 0.0)
    offset = (column * width, row * height, 0.0)
    _translation(module, "module_offset", 0.0, _Axis((1, 0, 0), DISTANCE_AXIS, offset))
    _translation(module, "fast_pixel_direction", width, _Axis((-1, 0, 0), MODULE_AXIS))
    _translation(module, "slow_pixel_direction", height, _Axis((0, -1, 0), MODULE_AXIS))


def _translation(group: Any, name: str, length: float, axis: _Axis) -> None:
    _number(group, name, length, "m")
    attributes = group[name].attrs
    attributes["transformation_type"] = "translation"
    attributes["vector"] = np.array(axis.vector, dtype=np.float64)
    attributes["offset"] = np.array(axis.offset, dtype=np.float64)
    attributes["offset_units"] = "m"
    attributes["depends_on"] = axis.depends_on


def _group(parent: Any, name: str, nexus_class: str) -> Any:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nexus_class
    return group


def _number(group: Any, name: str, value: float, unit: str) -> None:
    group[name] = float(value)
    group[name].attrs["units"] = unit


def _texts(group: Any, **texts: str) -> None:
    for name, text in texts.items():
        group[name] = text
