"""Write a run as one NXmx file that open_run, nxmx, dxtbx and the DIALS family read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import RunError
from fedbragg.types import Geometry

SENSOR = ("Si", 450e-6)
"""Material and thickness in metres that NXmx demands and Geometry does not carry: today's commonest sensor."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the frames of a run have in common."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def write_run(
    path: str | Path,
    frames: Iterable[NDArray[Any]],
    *,
    geometry: Geometry,
    mask: NDArray[np.bool_] | None = None,
    saturation: int | None = None,
) -> int:
    """Write frames (rows, cols) of one shape and dtype as NXmx; return how many.

    Frames are taken one by one and compressed with bitshuffle-LZ4, a chunk a frame, so that memory does not grow
    with the run. ``mask`` is True where a pixel is to be ignored; ``saturation`` is the highest trusted count. Fields
    that ``geometry`` leaves out are left out of the file, although DIALS needs all of them. Raises RunError when
    there is no frame or one differs from the first.
    """
    import h5py

    series = iter(frames)
    first = next(series, None)
    if first is None:
        raise RunError(f"{path}: no frame to write. Give at least one.")
    picture = Picture(first.shape, first.dtype)
    with h5py.File(path, "w", libver="v110") as file:
        describe(file, picture, geometry, saturation)
        _stack(file["entry/data"], picture)
        if mask is not None:
            write_mask(file["entry/instrument/detector"], mask, first.shape)
        return _write_frames(file["entry/data/data"], chain([first], series), str(path))


def _write_frames(dataset: Any, frames: Iterable[NDArray[Any]], path: str) -> int:
    written = 0
    for frame in frames:
        if frame.shape != dataset.shape[1:] or frame.dtype != dataset.dtype:
            raise RunError(
                f"{path} frame {written}: {frame.shape} {frame.dtype}, but the first is {dataset.shape[1:]} "
                f"{dataset.dtype}. Write frames of one detector into one run."
            )
        dataset.resize(written + 1, axis=0)
        dataset[written] = frame
        written += 1
    return written


def describe(file: Any, picture: Picture, geometry: Geometry, saturation: int | None = None) -> None:
    """Write all of an NXmx file but the images, which belong into ``/entry/data/data``, and the mask."""
    import h5py

    file.attrs["default"] = "entry"
    entry = _group(file, "entry", "NXentry")
    entry.attrs["default"] = "data"
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    _put(entry, definition="NXmx", start_time=now, end_time_estimated=now)
    _put(_group(entry, "source", "NXsource"), name="fedbragg")
    _put(_group(entry, "sample", "NXsample"), name="sample", depends_on=".")
    instrument = _group(entry, "instrument", "NXinstrument")
    _put(instrument, name="fedbragg")
    beam = _group(instrument, "beam", "NXbeam")
    if geometry.wavelength is not None:
        _number(beam, "incident_wavelength", geometry.wavelength, "angstrom")
    data = _group(entry, "data", "NXdata")
    data.attrs["signal"] = "data"
    detector = _group(instrument, "detector", "NXdetector")
    detector["data"] = h5py.SoftLink("/entry/data/data")
    _describe_detector(detector, picture, geometry, saturation)


def _stack(data: Any, picture: Picture) -> None:
    import hdf5plugin

    data.create_dataset(
        "data",
        shape=(0, *picture.shape),
        maxshape=(None, *picture.shape),
        chunks=(1, *picture.shape),
        dtype=picture.dtype,
        **hdf5plugin.Bitshuffle(cname="lz4"),
    )


def _describe_detector(detector: Any, picture: Picture, geometry: Geometry, saturation: int | None) -> None:
    material, thickness = SENSOR
    _put(
        detector,
        description=geometry.detector or "unknown detector",
        sensor_material=material,
        depends_on="/entry/instrument/detector/transformations/distance",
        type="Pixel",
    )
    _number(detector, "sensor_thickness", thickness, "m")
    detector["bit_depth_image"] = picture.dtype.itemsize * 8
    if saturation is not None:
        detector["saturation_value"] = saturation
    if picture.dtype.kind == "i":
        detector["underload_value"] = 0
    if geometry.distance is not None:
        _number(detector, "distance", geometry.distance, "m")
    for axis, position in (("x", 0), ("y", 1)):
        if geometry.beam_centre is not None:
            _number(detector, f"beam_center_{axis}", geometry.beam_centre[position], "pixel")
        if geometry.pixel_size is not None:
            _number(detector, f"{axis}_pixel_size", geometry.pixel_size[position], "m")
    _place(detector, picture.shape, geometry)


def _place(detector: Any, shape: tuple[int, ...], geometry: Geometry) -> None:
    """Write where the pixels are in the McStas frame of NeXus: z along the beam, y up, x to the left seen along z."""
    along = _group(detector, "transformations", "NXtransformations")
    chain_end = "/entry/instrument/detector/transformations/distance"
    _axis(along, "distance", geometry.distance or 0.0, (0, 0, 1), ".")
    module = _group(detector, "module", "NXdetector_module")
    module["data_origin"] = np.zeros(2, dtype=np.int64)
    module["data_size"] = np.array(shape, dtype=np.int64)
    width, height = geometry.pixel_size or (0.0, 0.0)
    column, row = geometry.beam_centre or (0.0, 0.0)
    _axis(module, "module_offset", 0.0, (1, 0, 0), chain_end, offset=(column * width, row * height, 0.0))
    link = "/entry/instrument/detector/module/module_offset"
    _axis(module, "fast_pixel_direction", width, (-1, 0, 0), link)
    _axis(module, "slow_pixel_direction", height, (0, -1, 0), link)


def _axis(
    group: Any,
    name: str,
    value: float,
    vector: tuple[int, int, int],
    depends_on: str,
    *,
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> None:
    _number(group, name, value, "m")
    attributes = group[name].attrs
    attributes["transformation_type"] = "translation"
    attributes["vector"] = np.array(vector, dtype=np.float64)
    attributes["offset"] = np.array(offset, dtype=np.float64)
    attributes["offset_units"] = "m"
    attributes["depends_on"] = depends_on


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


def _group(parent: Any, name: str, nexus_class: str) -> Any:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nexus_class
    return group


def _number(group: Any, name: str, value: float, unit: str) -> None:
    group[name] = float(value)
    group[name].attrs["units"] = unit


def _put(group: Any, **texts: str) -> None:
    for name, text in texts.items():
        group[name] = text
