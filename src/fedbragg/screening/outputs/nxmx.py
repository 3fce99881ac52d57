"""The hits as one NXmx file: the images where they lie, or copied, and all that their files say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from fedbragg.errors import FrameError, RunError
from fedbragg.images.hdf5.nxmx_fields import FrameType, write_fields, write_mask
from fedbragg.images.hdf5.open import open_file
from fedbragg.images.hdf5.origin import NXMX_ORIGIN
from fedbragg.images.source import RunCache
from fedbragg.screening.outputs.copy_metadata import Carried, carry
from fedbragg.screening.outputs.hit_images import frame_shape, images_of, put_images
from fedbragg.screening.outputs.hits import Hits, opened, put_origin
from fedbragg.types import Frame, Run

DATA = "/entry/data"
DETECTOR = "/entry/instrument/detector"


def write_nxmx(path: Path, hits: Hits, run: Run, *, copy: bool) -> str:
    """Write the hits; return what there is to say. Raises RunError where there are none, or they are gone."""
    if len(hits) == 0:
        raise RunError("there is no hit to write: leave out --nxmx and --cxi, or lower --threshold.")
    with h5py.File(path, "w", libver="v110") as file:
        _describe(file, hits, run)
        data = file[DATA]
        data.attrs["signal"] = "data"
        put_images(data, "data", hits, copy=copy)
        detector = file[DETECTOR]
        if "data" not in detector:
            detector["data"] = h5py.SoftLink(f"{DATA}/data")
        put_origin(file.create_group(NXMX_ORIGIN), hits)
    return told(hits, copy=copy)


def told(hits: Hits, *, copy: bool) -> str:
    """Say how many images a file of hits holds."""
    how = "copied" if copy else "in place"
    left = f", {hits.unread} unreadable ones left out" if hits.unread else ""
    return f"{len(hits)} images {how}{left}"


def first_hit(hits: Hits) -> Frame:
    """Read the first hit; raise RunError where it is gone."""
    path, indices = next(hits.by_file())
    source = opened(path, RunCache())
    try:
        return source.read(int(indices[0]))
    except FrameError as error:
        raise RunError(f"{error} It was read when it was screened.") from None
    finally:
        source.close()


def _describe(file: Any, hits: Hits, run: Run) -> None:
    """Carry over what the first file says in NXmx, or say in NXmx what is known of others."""
    for image in images_of(hits):
        shape, dtype = frame_shape(image)
        stacked = image.place is not None
        break
    if stacked and _is_nxmx(hits.paths[0]):
        _carry(file, hits, shape)
        return
    flat = int(np.prod(shape[:-1])), shape[-1]
    write_fields(file, FrameType(shape, dtype), run.geometry)
    mask = first_hit(hits).mask
    if mask.any() and shape == flat:
        write_mask(file[DETECTOR], mask, shape)


def _carry(file: Any, hits: Hits, shape: tuple[int, ...]) -> None:
    path = hits.paths[0]
    source = opened(path, RunCache())
    frames = len(source)
    source.close()
    with open_file(path) as original:
        carry(original, file, Carried(frames, shape, hits))
    for place, kind in (("entry", "NXentry"), ("entry/data", "NXdata")):
        file.require_group(place).attrs.setdefault("NX_class", kind)


def _is_nxmx(path: str) -> bool:
    with open_file(path) as file:
        return DETECTOR in file
