"""Options and arguments that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fedbragg.tasks.hits.model_file import Scorer

PathsArgument = Annotated[list[str], typer.Argument(metavar="PATH...", help="Image files, globs or folders.")]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        help="Model file of `fedbragg federate` or `fedbragg demo`.  [default: the one in the package]"
    ),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Keep frames with this score or more.", show_default="the model's"),
]
ThreadsOption = Annotated[int, typer.Option(min=0, help="Frames worked on at a time; 0 is one a core.")]


def open_model(model: Path | None) -> Scorer:
    """Open the model file given, or the one in the package."""
    from fedbragg.tasks.hits.model_file import Scorer, default_model

    return Scorer(model or default_model())


def number_of_threads(threads: int) -> int:
    """Return how many threads to use; 0 asks for one a core that this process may use."""
    return threads or len(os.sched_getaffinity(0))
