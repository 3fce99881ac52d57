"""``fedbragg calibrate``: find the threshold that loses few hits, and promise it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.options import ModelOption, PathsArgument, ThreadsOption, open_hit_finder
from fedbragg.cli.show import say, warn

if TYPE_CHECKING:
    from fedbragg.workflows.calibrate import Calibrated


class Guarantee(StrEnum):
    """How the promise holds."""

    CONFIDENT = "confident"
    EXPECTED = "expected"


class Maybe(StrEnum):
    """What a maybe counts as."""

    HIT = "hit"
    MISS = "miss"
    ASIDE = "aside"


class Counted(StrEnum):
    """What is independent."""

    FRAME = "frame"
    FILE = "file"
    FOLDER = "folder"
    GROUP = "group"


def calibrate(
    paths: PathsArgument,
    labels: Annotated[Path, typer.Option(help="Table path,frame,label; label is hit, maybe or miss.")],
    model: ModelOption = None,
    max_loss: Annotated[float, typer.Option(help="Share of the hits that may be lost.")] = 0.01,
    confidence: Annotated[float, typer.Option(help="How sure that is to be.")] = 0.95,
    out: Annotated[Path, typer.Option(help="Model file to write; the report goes beside it.")] = Path(
        "calibrated.onnx"
    ),
    guarantee: Annotated[
        Guarantee, typer.Option(help="confident: with --confidence. expected: on average over calibrations.")
    ] = Guarantee.CONFIDENT,
    maybe: Annotated[Maybe, typer.Option(help="What a maybe counts as; aside leaves it out.")] = Maybe.HIT,
    group_by: Annotated[
        Counted,
        typer.Option(help="What is independent; group is a column of the table. Near-copies are not."),
    ] = Counted.FRAME,
    date: Annotated[str, typer.Option(help="Date to note in the file, 2026-11-21.")] = "",
    threads: ThreadsOption = 0,
) -> int:
    """Find the largest threshold that loses few hits, from labelled frames, and promise it.

    Writes a copy of the model file with the threshold, the evidence for it, a map from scores to probabilities and
    what the frames looked like, by which `fedbragg screen` notices drift; and a report beside it. Refuses where there
    are too few hits, and says how many are needed.
    """
    from fedbragg.progress import bars
    from fedbragg.screening.guarantee.calibrate import Demand
    from fedbragg.workflows.calibrate import CalibrationRequest, calibrate
    from fedbragg.workflows.cores import number_of_threads

    predictor = open_hit_finder(model)
    demand = Demand(max_loss, confidence, guarantee.value, group_by.value, maybe.value)
    request = CalibrationRequest(tuple(paths), labels, out, demand, date, number_of_threads(threads))
    with bars() as progress:
        calibrated = calibrate(predictor, request, progress)
    _show(calibrated)
    say(f"written            {out}, {out.with_suffix('.html')}")
    return 0


def _show(calibrated: Calibrated) -> None:
    from fedbragg.metrics.classification import proportion
    from fedbragg.metrics.reliability import brier
    from fedbragg.screening.guarantee.score_map import cross_fitted
    from fedbragg.screening.guarantee.wording import promised

    calibration, labelled = calibrated.calibration, calibrated.labelled
    promise = calibration.promise
    for warning in calibrated.warnings:
        warn(warning)
    discarded = proportion(promise.discarded, promise.misses)
    data = (promise.lost + promise.discarded) / len(labelled.hit)
    after = brier(labelled.hit, cross_fitted(labelled.score, labelled.hit))
    threshold = calibration.score_map(calibration.raw_threshold)
    say(f"promise            {promised(promise)}")
    say(f"threshold          {threshold:.4g} (the network's own score: {calibration.raw_threshold:.4g})")
    say(
        f"hits               {promise.hits}, {promise.lost} below the threshold; bound {100 * promise.bound:.3g} %"
    )
    if promise.counted != "frame":
        say(f"independent        {promise.units} {promise.counted}s")
    if promise.unreadable:
        say(f"unreadable         {promise.unreadable} hits: always kept, so never lost; not counted")
    say(f"misses             {promise.misses}, {promise.discarded} discarded: {discarded}")
    say(
        f"data discarded     {100 * data:.1f} % of frames such as these ({100 * calibration.hit_share:.1f} % hits)"
    )
    say(f"Brier score        {brier(labelled.hit, labelled.score):.4f} before, {after:.4f} calibrated")
