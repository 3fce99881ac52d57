"""Segment and measure micrographs, and write the results for people and for programs."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import InputError
from fedbragg.extras import require
from fedbragg.files import write_whole, written_whole
from fedbragg.metrics.segmentation import Instances
from fedbragg.progress import SILENT, Progress
from fedbragg.report.segments import Measured, Pictures, segments_page
from fedbragg.report.segments_overlay import as_jpeg, as_shown, overlay
from fedbragg.tasks import segments
from fedbragg.tasks.segments.instances import Classes
from fedbragg.tasks.segments.measure.micrograph import MeasuredMicrograph, measure
from fedbragg.tasks.segments.measure.scale import Scale
from fedbragg.tasks.segments.picture_file import read_picture
from fedbragg.tasks.segments.predictor import SegmentPredictor
from fedbragg.workflows.apply import Applied, apply, unique
from fedbragg.workflows.folder import make_folder

GRAINS, PAGE = "grains.csv", "segments.html"
OVERLAY_COMPRESSION = 3
"""Level of zlib: 6, which Pillow takes, needs 2.6 times as long and gives no smaller file for a picture with noise."""
COLUMNS = (
    "path",
    "number",
    "class",
    "row",
    "col",
    "area",
    "equivalent_diameter",
    "aspect_ratio",
    "touches_edge",
    "unit",
)


@dataclass(frozen=True, slots=True)
class MeasureRequest:
    """Settings for measuring micrographs, and the folder of the results."""

    out: Path
    scale: Scale = field(default_factory=Scale)
    png: bool = False  # label images as PNG instead of OME-TIFF
    model: Path | None = None  # None takes the packaged one
    threads: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """The measurements of one micrograph, and the files written for it."""

    measured: Measured
    written: tuple[Path, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """A micrograph as it was read."""

    name: str  # as the user named it
    picture: NDArray[Any]  # (rows, cols) or (rows, cols, 3)


MeasuredRow = Applied[Named, Answered]


def open_segment_model(path: Path | None, threads: int = 1) -> SegmentPredictor:
    """Open a model file of the segments task, by default the packaged one."""
    return SegmentPredictor(path or segments.default_model(), threads)


def measure_into(
    names: Sequence[str], request: MeasureRequest, progress: Progress = SILENT
) -> list[MeasuredRow]:
    """Measure micrographs, and write for each the label image and an overlay, for all grains.csv and a page.

    One that cannot be read has a reason and no answer. Raises InputError where the folder cannot be written.
    """
    require("segments", "measuring micrographs")
    predictor = open_segment_model(request.model, request.threads)
    make_folder(request.out)
    step, taken, rows = progress.stage("Measuring", len(names)), set[str](), list[MeasuredRow]()

    def answer(named: Named) -> Answered:
        classes = predictor.card.classes
        measured = measure(predictor(named.picture, progress), classes, request.scale)
        return _answered(named, measured, request, taken)

    for row in apply(names, _read, answer):
        rows.append(replace(row, item=None))  # pictures are not kept: there may be many
        step()
    _write_summary(rows, predictor.card.classes, request.out)
    return rows


def _read(name: str) -> Named:
    return Named(name, read_picture(Path(name)))


def measure_micrographs(
    names: Sequence[str], predictor: SegmentPredictor, scale: Scale
) -> Iterator[Applied[Named, MeasuredMicrograph]]:
    """Yield the measurements of each micrograph, in order; one that cannot be read has a reason and no answer."""
    classes = predictor.card.classes
    return apply(names, _read, lambda named: measure(predictor(named.picture), classes, scale))


def _answered(named: Named, found: MeasuredMicrograph, request: MeasureRequest, taken: set[str]) -> Answered:
    shown = as_shown(named.picture)
    drawn = overlay(shown, found.classes, found.instances)
    stem = unique(Path(named.name).stem or "micrograph", taken)
    pictures = Pictures(as_jpeg(shown), as_jpeg(drawn))
    measured = Measured(named.name, pictures, found.fractions, found.table, found.size, request.scale)
    return Answered(measured, _write_pictures(request, stem, found.instances, drawn))


def _write_pictures(
    request: MeasureRequest, stem: str, instances: Instances, drawn: NDArray[np.uint8]
) -> tuple[Path, ...]:
    from PIL import Image

    labels = request.out / f"{stem}-labels.{'png' if request.png else 'ome.tif'}"
    shown = request.out / f"{stem}-overlay.png"
    try:
        with written_whole(labels) as fresh:
            _write_labels(fresh, instances, request)
        with written_whole(shown) as fresh:
            Image.fromarray(drawn).save(fresh, "PNG", compress_level=OVERLAY_COMPRESSION)
    except OSError as error:
        raise InputError(f"{labels}: cannot be written ({error.strerror}). Give another --out.") from None
    return labels, shown


def _write_labels(path: Path, instances: Instances, request: MeasureRequest) -> None:
    """Write the number of each pixel's instance, as Fiji and napari open it."""
    deep = instances.astype(np.uint16 if instances.max(initial=0) <= 0xFFFF else np.uint32)
    if request.png:
        from PIL import Image

        if deep.dtype == np.uint32:
            raise InputError(f"{path}: more than 65,535 grains do not fit a PNG. Leave out --png.")
        Image.fromarray(deep).save(path, "PNG")
        return
    import tifffile

    metadata: dict[str, Any] = {"axes": "YX"}
    if (length := request.scale.micrometres) is not None:
        metadata |= {"PhysicalSizeX": length, "PhysicalSizeY": length}
        metadata |= {"PhysicalSizeXUnit": "µm", "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite(path, deep, ome=True, metadata=metadata, compression="zlib", photometric="minisblack")


def _write_summary(rows: Sequence[MeasuredRow], classes: Classes, out: Path) -> None:
    answers = [row.answer.measured for row in rows if row.answer is not None]
    unread = [row.reason for row in rows if row.answer is None]
    try:
        with written_whole(out / GRAINS) as fresh, fresh.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            for one in answers:
                table.writerows(_lines(one))
        write_whole(out / PAGE, segments_page(answers, classes, unread))
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}). Give another --out.") from None


def _lines(one: Measured) -> Iterator[list[str]]:
    found = one.table
    for i, number in enumerate(found.number):
        yield [
            one.name,
            str(number),
            str(found.kind[i]),
            f"{found.row[i]:.1f}",
            f"{found.col[i]:.1f}",
            f"{found.area[i]:.6g}",
            f"{found.diameter[i]:.6g}",
            f"{found.aspect_ratio[i]:.3f}",
            "yes" if found.touches_edge[i] else "no",
            one.scale.unit,
        ]
