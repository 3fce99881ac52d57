"""``fedbragg segments``: find and measure the grains, precipitates and cracks of micrographs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fedbragg.cli.applied import refuse_if_all_failed
from fedbragg.cli.exit_codes import UNREADABLE
from fedbragg.cli.options import ThreadsOption
from fedbragg.cli.segments_train import train
from fedbragg.cli.show import say, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedbragg.workflows.apply import Applied
    from fedbragg.workflows.measure_segments import MeasuredRow

segments = typer.Typer(
    name="segments",
    help="Find and measure the grains, precipitates and cracks of micrographs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
ImagesArgument = Annotated[
    list[str], typer.Argument(metavar="IMAGE...", help="PNG, TIFF, JPEG or BMP; globs and folders too.")
]
ModelOption = Annotated[
    Path | None,
    typer.Option(help="Model file of `fedbragg segments train`.  [default: the one in the package]"),
]
AbsentOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CLASS", help="Class of the model that the micrographs do not hold; repeat it for several."
    ),
]


@segments.command()
def measure(
    images: ImagesArgument,
    scale: Annotated[
        str | None, typer.Option(help="Length of a pixel, such as 0.2um.", show_default="pixels")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("segments"),
    model: ModelOption = None,
    absent: AbsentOption = None,
    png: Annotated[
        bool, typer.Option("--png", help="Write label images as PNG instead of OME-TIFF.")
    ] = False,
    threads: ThreadsOption = 0,
) -> int:
    """Measure grains and particles, phase fractions, and the ASTM E112 grain size number.

    Writes OUT/grains.csv (one row a grain or particle), OUT/segments.html, and for each micrograph a label image that
    Fiji and napari open and an overlay. A micrograph that cannot be read is reported; the exit code is then 3, or 2 if
    none could. The micrographs are never changed.
    """
    from fedbragg.progress import bars
    from fedbragg.tasks.segments.measure.scale import read_scale
    from fedbragg.workflows.cores import number_of_threads
    from fedbragg.workflows.measure_segments import MeasureRequest, measure_into
    from fedbragg.workflows.segments_files import GRAINS, PAGE

    request = MeasureRequest(
        out, read_scale(scale), png, model, tuple(absent or ()), number_of_threads(threads)
    )
    names = _pictures(images)
    with bars() as progress:
        rows = measure_into(names, request, progress)
    refuse_if_all_failed([row.reason for row in rows if row.answer is None], len(rows))
    for row in rows:
        _show(row)
    say(f"written: {out / GRAINS}, {out / PAGE}, and a label image and an overlay of each micrograph")
    return _code(rows)


@segments.command()
def label(
    images: ImagesArgument,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("labels"),
    model: ModelOption = None,
    absent: AbsentOption = None,
    threads: ThreadsOption = 0,
) -> int:
    """Write OUT/STEM.png with the class index of every pixel.

    A micrograph that cannot be read is reported; the exit code is then 3, or 2 if none could.
    """
    from fedbragg.progress import bars
    from fedbragg.workflows.cores import number_of_threads
    from fedbragg.workflows.label_micrographs import label_into
    from fedbragg.workflows.measure_segments import open_segment_model

    segmenter = open_segment_model(model, number_of_threads(threads), tuple(absent or ())).segmenter
    with bars() as progress:
        rows = label_into(_pictures(images), out, segmenter, progress)
    refuse_if_all_failed([row.reason for row in rows if row.answer is None], len(rows))
    written = sum(row.answer is not None for row in rows)
    say(
        f"{written} label images in {out}: "
        + ", ".join(f"{i} {name}" for i, name in enumerate(segmenter.card.classes.names))
    )
    return _code(rows)


def _pictures(images: Sequence[str]) -> list[str]:
    from fedbragg.tasks.segments.picture_paths import find_pictures

    return [str(path) for path in find_pictures(images)]


def _show(row: MeasuredRow) -> None:
    if row.answer is None:
        warn(row.reason)
        return
    one = row.answer.measured
    shares = ", ".join(f"{name} {100 * e.value:.1f} %" for name, e in one.fractions.items())
    size = ""
    if one.size is not None:
        size = (
            f"; ASTM G {one.size.by_intercepts.value:.2f} by intercepts, {one.size.by_area.value:.2f} by area"
            + (f" (of only {one.size.grains} grains)" if one.size.too_few else "")
        )
    say(f"{one.name}: {len(one.table.number)} grains and particles; {shares}{size}")


def _code(rows: Sequence[Applied[Any, Any]]) -> int:
    return UNREADABLE if any(row.answer is None for row in rows) else 0


segments.command()(train)
