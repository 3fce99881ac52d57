"""Write small HDF5 files as facilities write them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

Counts = NDArray[Any]


def nxmx(path: Path, image: Counts) -> None:
    stack(path, image[np.newaxis], dict(hdf5plugin.Bitshuffle()))


def stack(path: Path, frames: Counts, filters: dict[str, Any], name: str = "entry/data/data") -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset(name, data=frames, chunks=(1, *frames.shape[1:]), **filters)


def checked_hdf5(path: Path, image: Counts) -> None:
    stack(path, image[np.newaxis], {"compression": "gzip", "fletcher32": True})


def packed(pixels: NDArray[Any], **filters: Any) -> NDArray[np.uint8]:
    """Return the chunk that hdf5plugin's encoder makes of the pixels."""
    with h5py.File(io.BytesIO(), "w") as file:
        data = file.create_dataset("data", data=pixels, chunks=pixels.shape, **filters)
        return np.frombuffer(data.id.read_direct_chunk((0,) * pixels.ndim)[1], np.uint8)


def eiger(folder: Path, frames: np.ndarray, files: int = 2) -> Path:
    """Write a master and its data files as a DECTRIS file writer does."""
    parts = np.array_split(frames, files)
    with h5py.File(folder / "x_master.h5", "w") as master:
        for number, part in enumerate(parts, 1):
            stack(folder / f"x_data_{number:06}.h5", part, dict(hdf5plugin.Bitshuffle()))
            link = h5py.ExternalLink(f"x_data_{number:06}.h5", "/entry/data/data")
            master[f"entry/data/data_{number:06}"] = link
        detector = master.create_group("entry/instrument/detector")
        for name, value, unit in (
            ("beam_center_x", 30.5, "pixel"), ("beam_center_y", 20.25, "pixel"), ("detector_distance", 0.2, "m"),
            ("x_pixel_size", 75e-6, "m"), ("y_pixel_size", 75e-6, "m"),
        ):  # fmt: skip
            detector[name] = value
            detector[name].attrs["units"] = unit
        detector["description"] = "Dectris EIGER2 Si 4M"
        detector["saturation_value"] = 800
        mask = np.zeros(frames.shape[1:], np.uint32)
        mask[3, 4] = 8
        detector["detectorSpecific/pixel_mask"] = mask
        master["entry/instrument/beam/incident_wavelength"] = 0.9763
        master["entry/instrument/beam/incident_wavelength"].attrs["units"] = "angstrom"
    return folder / "x_master.h5"


def cxidb(path: Path, frames: np.ndarray, areas: list[int]) -> None:
    """Write the layout of CXIDB entry 76: chunks of events, geometry in millimetres."""
    with h5py.File(path, "w") as file:
        for name, part in zip(("chunk_1", "chunk_2", "chunk_10"), np.array_split(frames, 3), strict=True):
            file[f"data/{name}/images"] = part
            file[f"data/{name}/distance"] = np.full(len(part), 120.0)
            file[f"data/{name}/wavelength"] = np.full(len(part), 1.3)
        for key, value in {
            "BEAM_CENTER_X": 3.3, "BEAM_CENTER_Y": 2.2, "PIXEL_SIZE": 0.11, "MIN_TRUSTED_VALUE": -10,
            "SATURATED_VALUE": 800, "ACTIVE_AREAS": areas, "idh5_version": "idh5_v1.0",
        }.items():  # fmt: skip
            file[f"metadata/{key}"] = value
