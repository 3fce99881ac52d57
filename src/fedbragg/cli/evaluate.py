"""``fedbragg evaluate``: how good a model is on labelled frames."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.options import (
    ModelOption,
    PathsArgument,
    ThreadsOption,
    ThresholdOption,
    number_of_threads,
    open_model,
)
from fedbragg.cli.show import Bar, bars, say

if TYPE_CHECKING:
    from fedbragg.images import LabelTable
    from fedbragg.types import Label, Run, Verdict


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
    without a label are passed over; a labelled frame that cannot be read counts as kept with score 1.
    """
    from fedbragg.images import read_labels
    from fedbragg.screening.engine import screen

    scorer = open_model(model)
    limit = scorer.card.threshold if threshold is None else threshold
    table = read_labels(labels)
    run = labelled_run(paths, table)
    with bars() as place:
        bar = Bar(place, "Evaluating", len(run))
        judged = []
        for verdict in screen(run, scorer, scorer.card.prepare, limit, number_of_threads(threads)):
            label = table.label(verdict.path, verdict.index)
            if label is not None:
                judged.append((verdict, label))
            bar.step()
    _tell(judged, limit)
    return 0


def labelled_run(paths: list[str], table: LabelTable) -> Run:
    """Open those of the files that have a label; raise LabelError where none has."""
    from fedbragg.errors import LabelError
    from fedbragg.images import open_run
    from fedbragg.images.paths import expand

    known = {*table.files, *(path for path, _ in table.frames)}
    files = expand(paths)
    chosen = [file for file in files if os.path.abspath(file) in known]  # noqa: PTH100  as the table has them
    if not chosen:
        raise LabelError(
            f"none of the {len(files)} image files has a label. Paths in the table start at its folder."
        )
    return open_run(chosen)


def _tell(judged: list[tuple[Verdict, Label]], threshold: float) -> None:
    import numpy as np

    from fedbragg.metrics.classification import confusion, summary

    positive = np.array([label.positive for _, label in judged], dtype=bool)
    score = np.array(
        [1.0 if verdict.score is None else verdict.score for verdict, _ in judged], dtype=np.float64
    )
    counts = confusion(positive, score >= threshold)
    unread = sum(verdict.score is None for verdict, _ in judged)
    say(f"frames             {len(judged)}: {positive.sum()} hit or maybe, {(~positive).sum()} miss")
    if unread:
        say(f"unreadable         {unread}, counted as kept")
    say(f"kept               {counts.true_positive} hits or maybes, {counts.false_positive} misses")
    say(f"lost               {counts.false_negative} hits or maybes (threshold {threshold:.3g})")
    for name, estimate in summary(positive, score, threshold).items():
        say(f"{name:<18} {estimate}")
