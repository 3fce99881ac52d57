"""``fedbragg calibrate``: find a threshold that is guaranteed to lose few hits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.options import ModelOption, PathsArgument, ThreadsOption, open_hit_finder
from fedbragg.cli.show import say, warn
from fedbragg.screening.guarantee.demand import Counted, Demand, Guarantee, Maybe

if TYPE_CHECKING:
    from fedbragg.workflows.calibrate import Calibrated


def calibrate(
    paths: PathsArgument,
    labels: Annotated[Path, typer.Option(help="Table path,frame,label; label is hit, maybe or miss.")],
    model: ModelOption = None,
    max_loss: Annotated[float, typer.Option(help="Share of the hits that may be lost.")] = 0.01,
    confidence: Annotated[float, typer.Option(help="Confidence of that bound.")] = 0.95,
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
    date: Annotated[str, typer.Option(help="Date to write into the file, such as 2026-11-21.")] = "",
    threads: ThreadsOption = 0,
) -> int:
    """Find, from labelled frames, the largest threshold that is guaranteed to lose few hits.

    Writes a copy of the model file with the threshold, the evidence for it, a map from scores to probabilities and
    the distribution of these frames, with which `fedbragg screen` detects drift; and a report beside it. Refuses where
    there are too few hits, and says how many are needed.
    """
    from fedbragg.progress import bars
    from fedbragg.workflows.calibrate import CalibrationRequest, calibrate
    from fedbragg.workflows.cores import number_of_threads

    predictor = open_hit_finder(model)
    demand = Demand(max_loss, confidence, guarantee, group_by, maybe)
    request = CalibrationRequest(tuple(paths), labels, out, demand, date, number_of_threads(threads))
    with bars() as progress:
        calibrated = calibrate(predictor, request, progress)
    _show(calibrated)
    say(f"written            {out}, {out.with_suffix('.html')}")
    return 0


def _show(calibrated: Calibrated) -> None:
    from fedbragg.metrics.proportions import proportion
    from fedbragg.metrics.reliability import brier
    from fedbragg.screening.guarantee.score_map import cross_fitted
    from fedbragg.screening.guarantee.wording import promise_text

    calibration, labelled = calibrated.calibration, calibrated.labelled
    promise = calibration.promise
    for warning in calibrated.warnings:
        warn(warning)
    discarded = proportion(promise.discarded, promise.misses)
    data = (promise.lost + promise.discarded) / len(labelled.hit)
    after = brier(labelled.hit, cross_fitted(labelled.score, labelled.hit))
    threshold = calibration.score_map(calibration.raw_threshold)
    say(f"promise            {promise_text(promise)}")
    say(f"threshold          {threshold:.4g} (the network's own score: {calibration.raw_threshold:.4g})")
    say(
        f"hits               {promise.hits}, {promise.lost} below the threshold; bound {100 * promise.bound:.3g} %"
    )
    if promise.counted != Counted.FRAME:
        say(f"independent        {promise.units} {promise.counted}s")
    if promise.unreadable:
        say(f"unreadable         {promise.unreadable} hits: always kept, so never lost; not counted")
    say(f"misses             {promise.misses}, {promise.discarded} discarded: {discarded}")
    say(
        f"data discarded     {100 * data:.1f} % of frames such as these ({100 * calibration.hit_share:.1f} % hits)"
    )
    say(f"Brier score        {brier(labelled.hit, labelled.score):.4f} before, {after:.4f} calibrated")
