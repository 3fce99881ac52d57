"""``fedbragg tags evaluate``: measure how good a tags model is on annotated images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fedbragg.cli.evaluate import evaluate_and_show
from fedbragg.cli.options import PathsArgument, TagModelOption, ThreadsOption


def evaluate(
    paths: PathsArgument,
    labels: Annotated[Path, typer.Option(help="Table path,frame,TAG,... with 1, 0, or nothing for unknown.")],
    model: TagModelOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="An image has a tag from this probability on.", show_default="the model's"
        ),
    ] = None,
    threads: ThreadsOption = 0,
) -> int:
    """Compare a model's tags with annotations.

    Prints for each tag with both answers how many images have it, its average precision (AP) and its AUC, then every
    metric averaged over the tags, with 95 % intervals. Images without a row in the table are skipped.
    """
    from fedbragg.tasks.base import LabelledFiles
    from fedbragg.workflows.cores import number_of_threads
    from fedbragg.workflows.tag_images import open_tag_model

    labelled = LabelledFiles(tuple(paths), labels, threshold, number_of_threads(threads))
    evaluate_and_show(open_tag_model(model), labelled)
    return 0
