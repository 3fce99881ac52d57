"""``fedbragg evaluate``: measure how good a model is on labelled frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.options import ModelOption, PathsArgument, ThreadsOption, ThresholdOption
from fedbragg.cli.show import say

if TYPE_CHECKING:
    from fedbragg.tasks.base import LabelledFiles, Predictor


def evaluate(
    paths: PathsArgument,
    labels: Annotated[
        Path, typer.Option(help="Table path,frame,label or path,label; label is hit, maybe or miss.")
    ],
    model: ModelOption = None,
    threshold: ThresholdOption = None,
    threads: ThreadsOption = 0,
) -> int:
    """Compare a model's verdicts with an expert's labels.

    Prints accuracy, balanced accuracy, precision, recall, F1 and AUC with 95 % intervals; maybe counts as hit. Files
    without a label are skipped; a labelled frame that cannot be read counts as kept, with score 1. With a model of
    another task, the labels and the figures are those of that task.
    """
    from fedbragg.tasks.base import LabelledFiles
    from fedbragg.tasks.registry import load_model
    from fedbragg.workflows.cores import number_of_threads

    labelled = LabelledFiles(tuple(paths), labels, threshold, number_of_threads(threads))
    evaluate_and_show(load_model(model), labelled)
    return 0


def evaluate_and_show(predictor: Predictor, labelled: LabelledFiles) -> None:
    """Compare a model with labels, with bars, and print the counts and every metric."""
    from fedbragg.progress import bars

    with bars() as progress:
        evaluation = predictor.evaluate(labelled, progress)
    for name, value in evaluation.facts:
        say(f"{name:<18} {value}")
    for name, estimate in evaluation.metrics.items():
        say(f"{name:<18} {estimate}")
