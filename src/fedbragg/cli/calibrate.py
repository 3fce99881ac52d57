"""``fedbragg calibrate``: find the threshold that loses few hits, and promise it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date as calendar_date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.options import ModelOption, PathsArgument, ThreadsOption, number_of_threads, open_model
from fedbragg.cli.show import Bar, bars, say
from fedbragg.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fedbragg.screening.guarantee.calibrate import Demand
    from fedbragg.screening.guarantee.frames import Labelled
    from fedbragg.screening.guarantee.labels import GroupedLabels
    from fedbragg.tasks.hits.calibration_card import Calibration, Origin
    from fedbragg.tasks.hits.model_file import Scorer
    from fedbragg.types import Verdict


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
    from fedbragg.screening.guarantee.calibrate import Demand, calibrated, check_enough
    from fedbragg.screening.guarantee.labels import read_grouped_labels
    from fedbragg.tasks.hits.model_file import copy_with_card

    _check(max_loss, confidence, date)
    demand = Demand(max_loss, confidence, guarantee.value, group_by.value, maybe.value)
    scorer = open_model(model)
    _check_target(scorer.path, out)
    grouped = read_grouped_labels(labels)
    check_enough(grouped.table, demand)
    labelled = _scored(paths, grouped, scorer, demand, number_of_threads(threads))
    calibration = calibrated(labelled, demand, _origin(scorer.path, labels, date))
    threshold = calibration.score_map(calibration.raw_threshold)
    warnings = [*_copies(labelled), *_near_copies(calibration, demand)]
    # First the report, so that no model is there whose report cannot be made.
    _write_report(out.with_suffix(".html"), calibration, labelled, demand, warnings)
    copy_with_card(scorer.path, out, replace(scorer.card, threshold=threshold, calibration=calibration))
    _tell(calibration, labelled, warnings)
    say(f"written            {out}, {out.with_suffix('.html')}")
    return 0


def _check(max_loss: float, confidence: float, date: str) -> None:
    for name, value in (("--max-loss", max_loss), ("--confidence", confidence)):
        if not 0 < value < 1:
            raise ConfigError(f"{name} is {value:g}; give a share above 0 and below 1, such as 0.01 or 0.95.")
    try:
        calendar_date.fromisoformat(date or "2026-11-21")
    except ValueError:
        raise ConfigError(f"--date is {date!r}; give it as 2026-11-21.") from None


def _check_target(source: Path, out: Path) -> None:
    """Refuse before hours of scoring what could not be written after them."""
    from fedbragg.errors import ModelFileError

    if out.exists() and out.samefile(source):
        raise ModelFileError(f"{out}: is the model itself, which is never changed. Give another --out.")
    if out.is_dir() or out.suffix == ".html":
        raise ModelFileError(
            f"{out}: is no name for a model file. Give one such as calibrated.onnx as --out."
        )


def _scored(
    paths: list[str], labels: GroupedLabels, scorer: Scorer, demand: Demand, threads: int
) -> Labelled:
    from fedbragg.cli.evaluate import labelled_run
    from fedbragg.images.paths import expand
    from fedbragg.screening.engine import screen
    from fedbragg.screening.guarantee.frames import labelled_frames
    from fedbragg.screening.guarantee.labels import check_files

    run = labelled_run(paths, labels.table)
    check_files(labels, expand(paths))
    with bars() as place:
        bar = Bar(place, "Calibrating", len(run))

        def watched() -> Iterator[Verdict]:
            for verdict in screen(run, scorer.raw, scorer.card.prepare, 0.0, threads):
                bar.step()
                yield verdict

        return labelled_frames(watched(), labels, demand.maybe, demand.counted)


def _origin(model: Path, labels: Path, date: str) -> Origin:
    from fedbragg import __version__
    from fedbragg.tasks.hits.calibration_card import Origin
    from fedbragg.tasks.hits.model_file import digest

    return Origin(__version__, digest(model), digest(labels), date)


def _copies(labelled: Labelled) -> list[str]:
    """Say loudly where frames seem to be there twice."""
    from fedbragg.screening.guarantee.frames import doubles

    found = doubles(labelled)
    if found <= labelled.hits / 100:
        return []
    return [
        f"WARNING: {found} of the {labelled.hits} hits have exactly the score and background of another. Is a file "
        "given twice, as a copy or as a master file and its data files? A hit counted twice promises too much."
    ]


def _near_copies(calibration: Calibration, demand: Demand) -> list[str]:
    """Say loudly where hits are too much alike."""
    from fedbragg.screening.guarantee.calibrate import fewest_units

    promise = calibration.promise
    needed = fewest_units(demand)
    if promise.counted != "frame" or promise.effective_hits >= max(needed, promise.hits / 2):
        return []
    return [
        f"WARNING: neighbouring hits are alike: these {promise.hits} tell about as much as "
        f"{promise.effective_hits:.0f} independent ones, and {needed} are needed. The promise holds for frames picked "
        "at random from the same scans as these, not for other scans. Pick the frames to label at random over all "
        "that is screened, or give --group-by file, folder or group."
    ]


def _write_report(
    path: Path, calibration: Calibration, labelled: Labelled, demand: Demand, warnings: list[str]
) -> None:
    from fedbragg.report.calibration import sections
    from fedbragg.report.page import page

    text = page("Calibration report", f"{demand.text}.", sections(calibration, labelled, demand, warnings))
    path.write_text(text, encoding="utf-8")


def _tell(calibration: Calibration, labelled: Labelled, warnings: list[str]) -> None:
    from fedbragg.metrics.classification import proportion
    from fedbragg.metrics.reliability import brier
    from fedbragg.screening.guarantee.score_map import cross_fitted
    from fedbragg.screening.guarantee.wording import promised

    promise = calibration.promise
    for warning in warnings:
        typer.echo(f"fedbragg: {warning}", err=True)
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
