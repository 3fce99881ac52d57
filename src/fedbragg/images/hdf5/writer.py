"""Write a run as one NXmx file."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import RunError
from fedbragg.images.hdf5.nxmx_fields import FrameType, write_fields, write_mask
from fedbragg.types import Geometry


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
    frame_type = FrameType(first.shape, first.dtype)
    with h5py.File(path, "w", libver="v110") as file:
        write_fields(file, frame_type, geometry, saturation)
        dataset = _create_dataset(file["entry/data"], frame_type)
        if mask is not None:
            write_mask(file["entry/instrument/detector"], mask, first.shape)
        return _write_frames(dataset, chain([first], series), str(path))


def _create_dataset(group: Any, frame_type: FrameType) -> Any:
    import hdf5plugin

    return group.create_dataset(
        "data",
        shape=(0, *frame_type.shape),
        maxshape=(None, *frame_type.shape),
        chunks=(1, *frame_type.shape),
        dtype=frame_type.dtype,
        **hdf5plugin.Bitshuffle(cname="lz4"),
    )


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
