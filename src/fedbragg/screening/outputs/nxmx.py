"""Write the hits as one NXmx file: the images, in place or copied, with the metadata of their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from fedbragg.images.hdf5.nxmx_fields import FrameType, write_fields, write_mask
from fedbragg.images.hdf5.open import open_file
from fedbragg.images.hdf5.origin import NXMX_ORIGIN
from fedbragg.screening.outputs.copy_images import copy_images
from fedbragg.screening.outputs.copy_metadata import MetadataCopy, copy_metadata
from fedbragg.screening.outputs.hit_images import FirstHit, first_hit, images_line, mask_of_first_hit
from fedbragg.screening.outputs.hits import Hits, write_origin
from fedbragg.screening.outputs.link_images import link_images
from fedbragg.types import Geometry, Run

DATA = "/entry/data"
DETECTOR = "/entry/instrument/detector"


def write_nxmx(path: Path, hits: Hits, run: Run, *, copy: bool) -> str:
    """Write the hits and return in words what the file holds; raise RunError where an image is gone."""
    with h5py.File(path, "w", libver="v110") as file:
        first = first_hit(hits)
        if not (first.hdf5 and _copied_from_first_file(file, hits, first)):
            _describe(file, hits, run.geometry, first)
        data = file[DATA]
        data.attrs["signal"] = "data"
        (copy_images if copy else link_images)(data, hits, first)
        detector = file[DETECTOR]
        if "data" not in detector:
            detector["data"] = h5py.SoftLink(f"{DATA}/data")
        write_origin(file.create_group(NXMX_ORIGIN), hits)
    return images_line(hits, copy=copy)


def _copied_from_first_file(file: Any, hits: Hits, first: FirstHit) -> bool:
    """Copy the metadata of the first file that holds hits; return False where it is not NXmx."""
    with open_file(hits.paths[0]) as original:
        if DETECTOR not in original:
            return False
        copy_metadata(original, file, MetadataCopy(first.frames, first.shape, hits))
    for name, nx_class in (("entry", "NXentry"), ("entry/data", "NXdata")):
        file.require_group(name).attrs.setdefault("NX_class", nx_class)
    return True


def _describe(file: Any, hits: Hits, geometry: Geometry, first: FirstHit) -> None:
    """Write in NXmx what is known of files that are not: the geometry, and the first hit's mask."""
    write_fields(file, FrameType(first.shape, first.dtype), geometry)
    mask = mask_of_first_hit(hits)
    flat = int(np.prod(first.shape[:-1])), first.shape[-1]
    if mask.any() and first.shape == flat:
        write_mask(file[DETECTOR], mask, first.shape)
