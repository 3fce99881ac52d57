"""Segment and measure micrographs, and write the results for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.extras import require
from fedbragg.progress import SILENT, Progress
from fedbragg.report.page import PageSection
from fedbragg.report.segments import Measured, Pictures, segments_section
from fedbragg.report.segments_overlay import as_jpeg, as_shown, overlay
from fedbragg.tasks import segments
from fedbragg.tasks.segments.blocks import BLOCK, Segments
from fedbragg.tasks.segments.instances import Classes, find_instances
from fedbragg.tasks.segments.measure.micrograph import MeasuredMicrograph, measure
from fedbragg.tasks.segments.measure.scale import Scale
from fedbragg.tasks.segments.picture_file import read_picture
from fedbragg.tasks.segments.predictor import SegmentPredictor
from fedbragg.workflows.apply import Applied, apply, unique
from fedbragg.workflows.folder import make_folder
from fedbragg.workflows.segments_files import PictureFiles, write_pictures, write_summary

AT_A_TIME = 2
"""Micrographs that are worked on side by side: while one is in the network, grains of another are found."""
LARGE = BLOCK**2
"""pixel, above which one micrograph at a time is in memory with its answer."""


@dataclass(frozen=True, slots=True)
class MeasureRequest:
    """Settings for measuring micrographs, and the folder of the results."""

    out: Path
    scale: Scale = field(default_factory=Scale)
    png: bool = False  # label images as PNG instead of OME-TIFF
    model: Path | None = None  # None takes the packaged one
    absent: tuple[str, ...] = ()  # classes that the micrographs do not hold
    threads: int = 1

    def files(self, stem: str) -> PictureFiles:
        """Return where the pictures of a micrograph go."""
        labels = self.out / f"{stem}-labels.{'png' if self.png else 'ome.tif'}"
        return PictureFiles(labels, self.out / f"{stem}-overlay.png", self.scale)


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """The measurements of one micrograph, its part of the page, and the files written for it."""

    measured: Measured
    section: PageSection
    written: tuple[Path, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """A micrograph as it was read."""

    name: str  # as the user named it
    picture: NDArray[Any]  # (rows, cols) or (rows, cols, 3)


MeasuredRow = Applied[Named, Answered]


def open_segment_model(path: Path | None, threads: int = 1, absent: Sequence[str] = ()) -> SegmentPredictor:
    """Open a model file of the segments task, by default the packaged one, for pictures without some classes."""
    return SegmentPredictor(path or segments.default_model(), threads, absent)


def measure_into(
    names: Sequence[str], request: MeasureRequest, progress: Progress = SILENT
) -> list[MeasuredRow]:
    """Measure different micrographs, and write for each a label image and an overlay, for all grains.csv and a page.

    One that cannot be read has a reason and no answer. Raises InputError where the folder cannot be written.
    """
    require("segments", "measuring micrographs")
    predictor = open_segment_model(request.model, request.threads, request.absent)
    make_folder(request.out)
    step, taken, rows = progress.stage("Measuring", len(names)), set[str](), list[MeasuredRow]()
    files = {name: request.files(unique(Path(name).stem or "micrograph", taken)) for name in names}
    several = request.threads > 1
    workers = AT_A_TIME if several and len(names) > 1 else 0
    with ThreadPoolExecutor(1) as pool:
        if several and any(Path(name).exists() for name in names):
            pool.submit(_load_libraries, predictor.classes, request.scale)
        begin = pool.submit if several else _at_once
        for row in apply(names, _read, _Measuring(predictor, files, begin, progress), workers):
            rows.append(replace(row, item=None))  # pictures are not kept: there may be many
            step()
    answers = [row.answer for row in rows if row.answer is not None]
    unread = [row.reason for row in rows if row.answer is None]
    write_summary(request.out, [one.measured for one in answers], [one.section for one in answers], unread)
    return rows


def _read(name: str) -> Named:
    return Named(name, read_picture(Path(name)))


def measure_micrographs(
    names: Sequence[str], predictor: SegmentPredictor, scale: Scale
) -> Iterator[Applied[Named, MeasuredMicrograph]]:
    """Yield the measurements of each micrograph, in order; one that cannot be read has a reason and no answer."""
    classes = predictor.classes
    return apply(names, _read, lambda named: measure(predictor(named.picture), classes, scale))


@dataclass(frozen=True, slots=True, eq=False)
class _Measuring:
    """Segments and measures micrographs; safe to call from several threads."""

    predictor: SegmentPredictor
    files: Mapping[str, PictureFiles]  # by the name of the micrograph
    begin: Callable[..., Future[Any]]  # draws and writes, while the caller measures
    progress: Progress
    one_large: Lock = field(default_factory=Lock)

    def __call__(self, named: Named) -> Answered:
        """Return what was found in one micrograph, after its pictures have been written."""
        large = named.picture.shape[0] * named.picture.shape[1] > LARGE
        with self.one_large if large else nullcontext():
            return self._answered(named, self.predictor(named.picture, self.progress))

    def _answered(self, named: Named, found: Segments) -> Answered:
        files, classes = self.files[named.name], self.predictor.classes
        drawing = self.begin(_drawn, named.picture, found)
        measured = _measured(named.name, found, classes, files.scale)
        pictures, drawn = drawing.result()
        writing = self.begin(write_pictures, files, found.instances, drawn)
        section = segments_section(measured, pictures, classes)
        return Answered(measured, section, writing.result())


def _measured(name: str, found: Segments, classes: Classes, scale: Scale) -> Measured:
    done = measure(found, classes, scale)
    return Measured(name, done.fractions, done.table, done.size, scale)


def _at_once(work: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """Do some work in the caller's thread, where there is no other."""
    future = Future[Any]()
    future.set_result(work(*arguments))
    return future


def _drawn(picture: NDArray[Any], found: Segments) -> tuple[Pictures, NDArray[np.uint8]]:
    shown = as_shown(picture)
    drawn = overlay(shown, found.classes, found.instances)
    return Pictures(as_jpeg(shown), as_jpeg(drawn)), drawn


def _load_libraries(classes: Classes, scale: Scale) -> None:
    """Measure and draw nine grains and a particle: all that this loads is ready when the network has its first answer.

    Without it the libraries would be loaded one after the other later, which takes a second.
    """
    labels = np.zeros((48, 48), np.uint8)
    lines = classes.boundary_index or 0
    labels[[12, 36]] = labels[:, [12, 36]] = lines
    labels[22:26, 22:26] = len(classes.names) - 1
    answer = np.stack([labels == index for index in range(len(classes.names))]).astype(np.float16)
    found = Segments(labels, find_instances(answer, classes))
    segments_section(_measured("", found, classes, scale), _drawn(labels, found)[0], classes)
