"""The options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fedbragg.tasks.hits.predictor import HitPredictor

IMAGES = "Kind of images"
"""A group of options in the help."""
PathsArgument = Annotated[list[str], typer.Argument(metavar="PATH...", help="Image files, globs or folders.")]
OutOption = Annotated[Path, typer.Option(help="Folder for the results.")]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        help="Model file of `fedbragg federate` or `fedbragg demo`.  [default: the one in the package]"
    ),
]
TagModelOption = Annotated[
    Path | None,
    typer.Option(help="Model file of `fedbragg tags train`.  [default: the one in the package]"),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Keep frames with this score or more.", show_default="the model's"),
]
GeometryOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.geom",
        help="CrystFEL geometry file: panels, bad pixels, resolution.",
        rich_help_panel=IMAGES,
    ),
]
DeviceOption = Annotated[str, typer.Option(help="Where to train: cpu, cuda, cuda:N, or auto.")]
ThreadsOption = Annotated[int, typer.Option(min=0, help="Frames worked on at a time; 0 is one a core.")]


def open_hit_finder(model: Path | None) -> HitPredictor:
    """Open a hit finder, by default the one in the package; raise ModelFileError where the file is not one."""
    from fedbragg.tasks import hits

    return hits.open_model(model or hits.default_model())
