"""Heal images from files, and write the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import InputError, RunError
from fedbragg.files import written_whole
from fedbragg.images.frame_address import open_named
from fedbragg.progress import SILENT, Progress
from fedbragg.report.healing import before_and_after
from fedbragg.tasks.tags.healing.beam.estimate import Beam, estimate_beam
from fedbragg.tasks.tags.healing.healed import FilledBy, GappedImage, Healed, gapped
from fedbragg.tasks.tags.healing.known_gaps import known_gaps
from fedbragg.tasks.tags.healing.mask_file import read_mask
from fedbragg.tasks.tags.healing.methods import Fill, Method, filler, place
from fedbragg.types import Frame, Geometry
from fedbragg.workflows.apply import Applied, apply, unique
from fedbragg.workflows.folder import make_folder


class Source(StrEnum):
    """Origin of a beam's position."""

    GIVEN = "given"
    FILE = "from the file"
    IMAGE = "estimated"


@dataclass(frozen=True, slots=True)
class Request:
    """Settings for healing images."""

    out: Path
    method: Method = Method.SYMMETRY
    beam: tuple[float, float] | None = None  # pixel, (column, row); None takes the file's, or estimates it
    mask: Path | None = None  # file of more gaps
    model: Path | None = None  # of the network; None takes the packaged one


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """An image as it was read."""

    frame: Frame
    image: GappedImage
    geometry: Geometry


@dataclass(frozen=True, slots=True)
class HealedFile:
    """The result of one image."""

    written: Path  # the healed image, beside the image of the filling steps and the picture
    counted: dict[FilledBy, int]  # pixels that each step filled
    beam: Beam | None  # None where the method needs none
    source: Source | None


HealedRow = Applied[Named, HealedFile]


def heal_into(names: Sequence[str], request: Request, progress: Progress = SILENT) -> list[HealedRow]:
    """Heal FILE or FILE:FRAME; write each image, its filling steps and a picture into a folder; return the outcomes.

    An image that cannot be healed has a reason and no answer. Raises InputError where the mask cannot be read or the
    folder not be written, and the errors of ``filler``.
    """
    fill = filler(request.method, request.model)
    mask = read_mask(request.mask) if request.mask is not None else None
    make_folder(request.out)
    step, taken = progress.stage("Healing", len(names)), set[str]()
    rows = []
    for row in apply(names, _reader(mask), lambda named: _healed(named, request, fill, taken)):
        rows.append(replace(row, item=None))  # images are not kept: there may be many
        step()
    return rows


def _reader(mask: NDArray[np.bool_] | None) -> Callable[[str], Named]:
    def read(name: str) -> Named:
        run, index = open_named(name)
        if len(run) == 0:
            raise RunError(f"{name}: holds no frame.")
        if index is None and len(run) > 1:
            ends = f"{name}:0 is the first, {name}:{len(run) - 1} the last"
            raise InputError(f"{name}: holds {len(run)} frames. Say which: {ends}.")
        frame = run[index or 0]
        gaps = known_gaps(frame)
        return Named(frame, gapped(frame, gaps if mask is None else _joined(frame, gaps, mask)), run.geometry)

    return read


def _joined(frame: Frame, gaps: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return gaps and mask as one; a mask of another shape stays as it is, and is refused where it is used."""
    return gaps | mask if mask.shape == frame.counts.shape else mask


def _healed(named: Named, request: Request, fill: Fill, taken: set[str]) -> HealedFile:
    needed = request.method is Method.SYMMETRY and not named.image.measured.all()
    beam, source = _beam(named, request) if needed else (None, None)
    healed = fill(named.image, beam)
    stem = _stem(named.frame, taken)
    path = request.out / f"{stem}.tif"
    try:
        _write_tiff(path, healed.counts)
        _write_tiff(request.out / f"{stem}-steps.tif", healed.steps)
        with written_whole(request.out / f"{stem}.png") as fresh:
            fresh.write_bytes(before_and_after(named.image, healed))
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}). Give another --out.") from None
    return HealedFile(path, _counted(healed), beam, source)


def _beam(named: Named, request: Request) -> tuple[Beam, Source]:
    """Return the beam given, else the file's, else the image's; (0, 0) in a file means that the field was never set."""
    if request.beam is not None:
        return place(request.beam), Source.GIVEN
    centre = named.geometry.beam_centre
    if centre is not None and centre != (0.0, 0.0):
        return place(centre), Source.FILE
    return estimate_beam(named.image), Source.IMAGE


def _counted(healed: Healed) -> dict[FilledBy, int]:
    counts = np.bincount(healed.steps.ravel(), minlength=256)
    return {step: int(counts[step]) for step in FilledBy if counts[step]}


def _stem(frame: Frame, taken: set[str]) -> str:
    """Return a name for the outputs of a frame that no other frame of this call has."""
    base = Path(frame.path).name.split(".")[0] or "image"
    return unique(f"{base}-{frame.index}" if frame.index else base, taken)


def _write_tiff(path: Path, pixels: NDArray[np.float32] | NDArray[np.uint8]) -> None:
    from fabio.tifimage import TifImage

    with written_whole(path) as fresh:
        TifImage(data=pixels).write(str(fresh))
