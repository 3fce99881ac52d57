"""Write the hits and their spots as one CXI file, as Cheetah does and as CrystFEL's ``peaks=cxi`` reads it.

The layout is that of the CXI file format 1.6 (Maia, Nat. Methods 9, 854, 2012); the peak list is that of
crystfel_geometry(5), "Peak lists": coordinates are indices of pixels, to which CrystFEL adds half a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from fedbragg.images.hdf5.origin import CXI_ORIGIN
from fedbragg.images.units import HC
from fedbragg.screening.outputs.copy_images import copy_images
from fedbragg.screening.outputs.hit_images import first_hit, images_line, mask_of_first_hit
from fedbragg.screening.outputs.hits import Hits, write_origin
from fedbragg.screening.outputs.link_images import link_images
from fedbragg.screening.outputs.spot_table import spots_in
from fedbragg.types import Geometry, Run

VERSION = 160
JOULE_PER_ELECTRONVOLT = 1.602176634e-19
INVALID = 1
"""CXI's bit of a pixel that is not valid."""
HITS_IN_MEMORY = 256
"""Hits whose spots are in memory at a time."""
COLUMNS = {
    "peakXPosRaw": "column",
    "peakYPosRaw": "row",
    "peakTotalIntensity": "intensity",
    "peakSNR": "significance",
}
Spots = dict[str, list[float]]
"""The columns of one hit's spots."""


def write_cxi(path: Path, hits: Hits, run: Run, folder: Path, *, copy: bool) -> str:
    """Write the hits with the spots of ``folder``'s spots.csv; return in words what the file holds.

    Raises RunError where an image is gone.
    """
    with h5py.File(path, "w", libver="v110") as file:
        file["cxi_version"] = VERSION
        entry = file.create_group("entry_1")
        (copy_images if copy else link_images)(entry.create_group("data_1"), hits, first_hit(hits))
        _describe(entry.create_group("instrument_1"), run.geometry, mask_of_first_hit(hits))
        _write_spots(entry.create_group("result_1"), hits, folder)
        write_origin(file.create_group(CXI_ORIGIN), hits)
    return images_line(hits, copy=copy)


def _describe(instrument: Any, geometry: Geometry, mask: NDArray[np.bool_]) -> None:
    detector = instrument.create_group("detector_1")
    detector["data"] = h5py.SoftLink("/entry_1/data_1/data")
    if geometry.detector is not None:
        detector["description"] = geometry.detector
    if geometry.distance is not None:
        detector["distance"] = geometry.distance  # metre, as all lengths in CXI
    for axis, number in (("x", 0), ("y", 1)):
        if geometry.pixel_size is not None:
            detector[f"{axis}_pixel_size"] = geometry.pixel_size[number]
        if geometry.beam_centre is not None:
            detector[f"beam_center_{axis}"] = geometry.beam_centre[number]
            detector[f"beam_center_{axis}"].attrs["units"] = "pixel"
    detector.create_dataset(
        "mask", data=np.where(mask, INVALID, 0).astype(np.uint32), compression="gzip", shuffle=True
    )
    if geometry.wavelength:
        source = instrument.create_group("source_1")
        source["energy"] = HC / geometry.wavelength * JOULE_PER_ELECTRONVOLT


def _write_spots(result: Any, hits: Hits, folder: Path) -> None:
    """Write each hit's spots as a row, filled with zeros to the length of the longest."""
    numbers = np.zeros(len(hits), np.int32)
    for hit, spots in _spots_of(hits, folder):
        numbers[hit] = len(spots["column"])
    width = max(1, int(numbers.max()))
    rows = min(HITS_IN_MEMORY, len(hits))
    result["nPeaks"] = numbers
    for name in COLUMNS:
        result.create_dataset(
            name, (len(hits), width), np.float32, chunks=(rows, width), compression="gzip", shuffle=True
        )
    block, first = {name: np.zeros((rows, width), np.float32) for name in COLUMNS}, 0
    for hit, spots in _spots_of(hits, folder):
        if hit >= first + rows:
            _flush(result, block, first)
            first = hit // rows * rows
        for name, column in COLUMNS.items():
            block[name][hit - first, : numbers[hit]] = spots[column]
    _flush(result, block, first)


def _flush(result: Any, block: dict[str, NDArray[np.float32]], first: int) -> None:
    """Write a block of rows and clear it."""
    for name, values in block.items():
        rows = min(len(values), len(result[name]) - first)
        result[name][first : first + rows] = values[:rows]
        values[:] = 0


def _spots_of(hits: Hits, folder: Path) -> Iterator[tuple[int, Spots]]:
    """Yield the number of each hit that has spots, and its spots; both tables are in the run's order."""
    hit = 0
    for path, index, spots in spots_in(folder):
        while (hits.paths[hits.file[hit]], hits.index[hit]) != (path, index):
            hit += 1
        yield hit, spots
