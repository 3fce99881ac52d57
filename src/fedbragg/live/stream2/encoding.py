"""Frames -> Stream2 messages, as a detector sends them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.images.mask import Mask
from fedbragg.live.packed_image import BITSHUFFLE_LZ4, LZ4, NO_COMPRESSION
from fedbragg.live.stream2.arrays import COMPRESSED, MULTI_DIMENSIONAL, TYPED
from fedbragg.types import Geometry

CHANNEL = "threshold_1"
TIME_BASE = 50_000_000
"""Ticks a second in which the times of an image are counted, as EIGER2 does."""
COMPRESSIONS = (BITSHUFFLE_LZ4, LZ4, NO_COMPRESSION)
SELF_DESCRIBED = 55799
TAGS = {np.dtype(name): tag for tag, name in TYPED.items() if tag != 68}  # 68 is bytes that stop at 255
Pack = Callable[[NDArray[Any]], Any]


@dataclass(frozen=True, slots=True, eq=False)
class SeriesDescription:
    """The content of a series' start message."""

    unique_id: str
    number: int
    shape: tuple[int, int]  # rows, columns
    images: int  # announced
    geometry: Geometry
    mask: Mask | None = None  # (rows, cols), True = ignore
    saturation: float | None = None  # highest trusted count


def start_message(series: SeriesDescription) -> bytes:
    """Return the message that begins a series; unknown fields are left out."""
    import cbor2

    geometry = series.geometry
    fields: dict[str, Any] = {
        "type": "start",
        **_identity(series),
        "channels": [CHANNEL],
        "detector_description": geometry.detector,
        "image_size_x": series.shape[1],
        "image_size_y": series.shape[0],
        "incident_wavelength": geometry.wavelength,
        "number_of_images": series.images,
        "saturation_value": None if series.saturation is None else int(series.saturation),
    }
    if geometry.distance is not None:
        fields["detector_translation"] = [0.0, 0.0, -geometry.distance]
    if geometry.beam_centre is not None:
        fields["beam_center_x"], fields["beam_center_y"] = geometry.beam_centre
    if geometry.pixel_size is not None:
        fields["pixel_size_x"], fields["pixel_size_y"] = geometry.pixel_size
    if series.mask is not None:
        fields["pixel_mask"] = {CHANNEL: array(series.mask.astype("<u4"), packer(BITSHUFFLE_LZ4))}
    return cbor2.dumps({name: value for name, value in fields.items() if value is not None})


def image_message(series: SeriesDescription, number: int, data: Any) -> bytes:
    """Return the message of one image; ``data`` come from `array`."""
    import cbor2

    fields = {
        "type": "image",
        **_identity(series),
        "image_id": number,
        "real_time": [1, TIME_BASE],
        "start_time": [number, TIME_BASE],
        "stop_time": [number + 1, TIME_BASE],
        "data": {CHANNEL: data},
    }
    return cbor2.dumps(cbor2.CBORTag(SELF_DESCRIBED, fields))


def end_message(series: SeriesDescription) -> bytes:
    """Return the message that ends a series."""
    import cbor2

    return cbor2.dumps(cbor2.CBORTag(SELF_DESCRIBED, {"type": "end", **_identity(series)}))


def array(pixels: NDArray[Any], pack: Pack) -> Any:
    """Return pixels (rows, cols) as a tagged array."""
    import cbor2

    little = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    return cbor2.CBORTag(
        MULTI_DIMENSIONAL, [list(little.shape), cbor2.CBORTag(TAGS[little.dtype], pack(little))]
    )


def packer(compression: str) -> Pack:
    """Return the name of a compression: ``bslz4``, ``lz4`` or ``none``."""
    return _bytes if compression == NO_COMPRESSION else partial(_packed, compression)


def _identity(series: SeriesDescription) -> dict[str, Any]:
    return {"series_id": series.number, "series_unique_id": series.unique_id}


def _bytes(pixels: NDArray[Any]) -> bytes:
    return pixels.tobytes()


def _packed(compression: str, pixels: NDArray[Any]) -> Any:
    import cbor2

    element = pixels.itemsize if compression == BITSHUFFLE_LZ4 else 0
    return cbor2.CBORTag(COMPRESSED, [compression, element, hdf5_chunk(compression, pixels)])


def hdf5_chunk(compression: str, pixels: NDArray[Any]) -> bytes:
    """Let HDF5's filter pack a chunk in memory: the stream has the same bytes."""
    import h5py
    import hdf5plugin

    packing = hdf5plugin.Bitshuffle(cname="lz4") if compression == BITSHUFFLE_LZ4 else hdf5plugin.LZ4()
    with h5py.File("packed", "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset("data", data=pixels, chunks=pixels.shape, **packing)
        file.flush()
        skipped, chunk = dataset.id.read_direct_chunk((0, 0))
        if skipped:
            raise ValueError(f"{compression} did not pack the pixels")
        return bytes(chunk)
