"""The hits and their spots as one CXI file, as Cheetah writes it and CrystFEL's ``peaks=cxi`` reads it.

The layout is that of the CXI file format 1.6 (Maia, Nat. Methods 9, 854, 2012); the peak list that of
crystfel_geometry(5), "Peak lists": coordinates are indices of pixels, to which CrystFEL adds its half pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import RunError
from fedbragg.images.hdf5.origin import CXI_ORIGIN
from fedbragg.images.units import HC
from fedbragg.screening.outputs.hit_images import put_images
from fedbragg.screening.outputs.hits import Hits, put_origin
from fedbragg.screening.outputs.nxmx import first_hit, told
from fedbragg.screening.outputs.spot_table import spots_in
from fedbragg.types import Geometry, Run

VERSION = 160
JOULE = 1.602176634e-19
"""Of an electronvolt."""
INVALID = 1
"""CXI's bit for a pixel that says nothing."""
ROWS = 256
"""Hits whose spots are in memory at a time."""
COLUMNS = {"peakXPosRaw": "column", "peakYPosRaw": "row", "peakTotalIntensity": "intensity"}
COLUMNS["peakSNR"] = "significance"


def write_cxi(path: Path, hits: Hits, run: Run, folder: Path, *, copy: bool) -> str:
    """Write the hits with the spots of ``folder``'s spots.csv; return what there is to say.

    Raises RunError where there are none, or they are gone.
    """
    if len(hits) == 0:
        raise RunError("there is no hit to write: leave out --nxmx and --cxi, or lower --threshold.")
    with h5py.File(path, "w", libver="v110") as file:
        file["cxi_version"] = VERSION
        entry = file.create_group("entry_1")
        put_images(entry.create_group("data_1"), "data", hits, copy=copy)
        _describe(entry.create_group("instrument_1"), run.geometry, first_hit(hits).mask)
        _put_spots(entry.create_group("result_1"), hits, folder)
        put_origin(file.create_group(CXI_ORIGIN), hits)
    return told(hits, copy=copy)


def _describe(instrument: Any, geometry: Geometry, mask: NDArray[np.bool_]) -> None:
    detector = instrument.create_group("detector_1")
    detector["data"] = h5py.SoftLink("/entry_1/data_1/data")
    if geometry.detector is not None:
        detector["description"] = geometry.detector
    if geometry.distance is not None:
        detector["distance"] = geometry.distance  # metre, as CXI has all lengths
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
        source["energy"] = HC / geometry.wavelength * JOULE


def _put_spots(result: Any, hits: Hits, folder: Path) -> None:
    """Write each hit's spots as a row, filled up with zeros to the longest."""
    numbers = np.zeros(len(hits), np.int32)
    for number, spots in _of_hits(hits, folder):
        numbers[number] = len(spots["column"])
    width = max(1, int(numbers.max()))
    result["nPeaks"] = numbers
    rows = min(ROWS, len(hits))
    for name in COLUMNS:
        result.create_dataset(
            name, (len(hits), width), np.float32, chunks=(rows, width), compression="gzip", shuffle=True
        )
    block, first = {name: np.zeros((rows, width), np.float32) for name in COLUMNS}, 0
    for number, spots in _of_hits(hits, folder):
        if number >= first + rows:
            _flush(result, block, first)
            first = number // rows * rows
        for name, column in COLUMNS.items():
            block[name][number - first, : numbers[number]] = spots[column]
    _flush(result, block, first)


def _flush(result: Any, block: dict[str, NDArray[np.float32]], first: int) -> None:
    for name, values in block.items():
        there = result[name][first : first + len(values)].shape[0]
        result[name][first : first + there] = values[:there]
        values[:] = 0


def _of_hits(hits: Hits, folder: Path) -> Iterator[tuple[int, dict[str, list[float]]]]:
    """Yield the number of each hit that has spots, and these; both tables are in the run's order."""
    number = 0
    for path, index, spots in spots_in(folder):
        while (hits.paths[hits.file[number]], hits.index[number]) != (path, index):
            number += 1
        yield number, spots
