"""Calibrate a hit finder on labelled frames: the largest threshold that loses few hits, with its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date as calendar_date
from pathlib import Path

from fedbragg.errors import ConfigError, ModelFileError
from fedbragg.extras import require
from fedbragg.images.paths import expand
from fedbragg.models.onnx_file import digest
from fedbragg.progress import SILENT, Progress
from fedbragg.report.calibration import sections
from fedbragg.report.page import page
from fedbragg.screening.engine import screen
from fedbragg.screening.guarantee.calibrate import Demand, calibrated, check_enough, fewest_units
from fedbragg.screening.guarantee.frames import Labelled, doubles, labelled_frames
from fedbragg.screening.guarantee.labels import GroupedLabels, check_files, read_grouped_labels
from fedbragg.tasks.hits.calibration_card import Calibration, Origin
from fedbragg.tasks.hits.model_file import copy_with_card
from fedbragg.tasks.hits.predictor import HitPredictor
from fedbragg.tasks.labelled_run import labelled_run
from fedbragg.types import Verdict
from fedbragg.version import __version__


@dataclass(frozen=True, slots=True)
class CalibrationRequest:
    """Which labelled frames a model is calibrated on, and for what promise."""

    paths: tuple[str, ...]  # image files, globs or folders
    labels: Path  # table path,frame,label
    out: Path  # model file to write; the report goes beside it
    demand: Demand = field(default_factory=Demand)
    date: str = ""  # noted in the file, such as 2026-11-21
    threads: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A calibration, and what it was made from."""

    calibration: Calibration
    labelled: Labelled
    warnings: tuple[str, ...]  # for people, each in one line


def calibrate(
    predictor: HitPredictor, request: CalibrationRequest, progress: Progress = SILENT
) -> Calibrated:
    """Find the largest threshold that keeps the promise, and write the calibrated model and its report.

    Raises LabelError where there are too few hits for the promise, and says how many are needed.
    """
    require("calibrate", "calibrating")
    _check(request.demand, request.date)
    _check_target(predictor.path, request.out)
    labels = read_grouped_labels(request.labels)
    check_enough(labels.table, request.demand)
    labelled = _scored(predictor, request, labels, progress)
    origin = _origin(predictor.path, request.labels, request.date)
    calibration = calibrated(labelled, request.demand, origin)
    warnings = [*_copies(labelled), *_near_copies(calibration, request.demand)]
    # First the report, so that no model is there whose report cannot be made.
    _write_report(request.out.with_suffix(".html"), calibration, labelled, request.demand, warnings)
    threshold = calibration.score_map(calibration.raw_threshold)
    card = replace(predictor.card, threshold=threshold, calibration=calibration)
    copy_with_card(predictor.path, request.out, card)
    return Calibrated(calibration, labelled, tuple(warnings))


def _check(demand: Demand, date: str) -> None:
    for name, value in (("--max-loss", demand.max_loss), ("--confidence", demand.confidence)):
        if not 0 < value < 1:
            raise ConfigError(f"{name} is {value:g}; give a share above 0 and below 1, such as 0.01 or 0.95.")
    try:
        calendar_date.fromisoformat(date or "2026-11-21")
    except ValueError:
        raise ConfigError(f"--date is {date!r}; give it as 2026-11-21.") from None


def _check_target(source: Path, out: Path) -> None:
    """Refuse before hours of scoring what could not be written after them."""
    if out.exists() and out.samefile(source):
        raise ModelFileError(f"{out}: is the model itself, which is never changed. Give another --out.")
    if out.is_dir() or out.suffix == ".html":
        raise ModelFileError(
            f"{out}: is no name for a model file. Give one such as calibrated.onnx as --out."
        )


def _scored(
    predictor: HitPredictor, request: CalibrationRequest, labels: GroupedLabels, progress: Progress
) -> Labelled:
    """Score every labelled frame with the network's own score, whatever calibration the model holds."""
    run = labelled_run(request.paths, labels.table.paths)
    check_files(labels, expand(list(request.paths)))
    step, scorer = progress.stage("Calibrating", len(run)), predictor.scorer

    def counted() -> Iterator[Verdict]:
        for verdict in screen(run, scorer.raw, scorer.card.prepare, 0.0, request.threads):
            step()
            yield verdict

    return labelled_frames(counted(), labels, request.demand.maybe, request.demand.counted)


def _origin(model: Path, labels: Path, date: str) -> Origin:
    return Origin(__version__, digest(model), digest(labels), date)


def _copies(labelled: Labelled) -> list[str]:
    """Say loudly where frames seem to be there twice."""
    found = doubles(labelled)
    if found <= labelled.hits / 100:
        return []
    return [
        f"WARNING: {found} of the {labelled.hits} hits have exactly the score and background of another. Is a file "
        "given twice, as a copy or as a master file and its data files? A hit counted twice promises too much."
    ]


def _near_copies(calibration: Calibration, demand: Demand) -> list[str]:
    """Say loudly where hits are too much alike."""
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

    text = page("Calibration report", f"{demand.text}.", sections(calibration, labelled, demand, warnings))
    path.write_text(text, encoding="utf-8")
