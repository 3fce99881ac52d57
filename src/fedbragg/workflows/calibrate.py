"""Calibrate a hit finder on labelled frames, and write the calibrated model with its report."""

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
from fedbragg.report.page import page, sentence
from fedbragg.screening.guarantee.calibrate import check_enough, fewest_units, make_calibration
from fedbragg.screening.guarantee.demand import Counted, Demand
from fedbragg.screening.guarantee.labelled_frames import LabelledFrames, count_copies, join_labels
from fedbragg.screening.guarantee.labels import GroupedLabels, check_files, read_grouped_labels
from fedbragg.screening.judge import FrameScorer, ScoredFrame
from fedbragg.tasks.hits.calibration_card import Calibration, Origin
from fedbragg.tasks.hits.model_file import copy_with_card
from fedbragg.tasks.hits.predictor import HitPredictor
from fedbragg.tasks.labelled_run import labelled_run
from fedbragg.version import __version__


@dataclass(frozen=True, slots=True)
class CalibrationRequest:
    """The labelled frames to calibrate a model on, and the guarantee."""

    paths: tuple[str, ...]  # image files, globs or folders
    labels: Path  # table path,frame,label
    out: Path  # model file to write; the report goes beside it
    demand: Demand = field(default_factory=Demand)
    date: str = ""  # written into the file, such as 2026-11-21
    threads: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A calibration, and the frames it is based on."""

    calibration: Calibration
    labelled: LabelledFrames
    warnings: tuple[str, ...]  # for the user, one line each


def calibrate(
    predictor: HitPredictor, request: CalibrationRequest, progress: Progress = SILENT
) -> Calibrated:
    """Find the largest threshold that meets the demand, and write the calibrated model and its report.

    Raises LabelError, with the number needed, where there are too few hits.
    """
    require("calibrate", "calibrating")
    _check(request.demand, request.date)
    _check_target(predictor.path, request.out)
    labels = read_grouped_labels(request.labels)
    check_enough(labels.table, request.demand)
    frames = _score_labelled_frames(predictor, request, labels, progress)
    origin = Origin(__version__, digest(predictor.path), digest(request.labels), request.date)
    calibration = make_calibration(frames, request.demand, origin)
    warnings = (*_warn_of_copies(frames), *_warn_of_near_copies(calibration, request.demand))
    calibrated = Calibrated(calibration, frames, warnings)
    # The report is written first, so that no model is without its report.
    _write_report(request.out.with_suffix(".html"), calibrated, request.demand)
    threshold = calibration.score_map(calibration.raw_threshold)
    card = replace(predictor.card, threshold=threshold, calibration=calibration)
    copy_with_card(predictor.path, request.out, card)
    return calibrated


def _check(demand: Demand, date: str) -> None:
    for name, value in (("--max-loss", demand.max_loss), ("--confidence", demand.confidence)):
        if not 0 < value < 1:
            raise ConfigError(f"{name} is {value:g}; give a share above 0 and below 1, such as 0.01 or 0.95.")
    try:
        calendar_date.fromisoformat(date or "2026-11-21")
    except ValueError:
        raise ConfigError(f"--date is {date!r}; give it as 2026-11-21.") from None


def _check_target(source: Path, out: Path) -> None:
    """Refuse, before hours of scoring, a target that cannot be written after them."""
    if out.exists() and out.samefile(source):
        raise ModelFileError(f"{out}: is the model itself, which is never changed. Give another --out.")
    if out.is_dir() or out.suffix == ".html":
        raise ModelFileError(
            f"{out}: is not a name for a model file. Give one such as calibrated.onnx as --out."
        )


def _score_labelled_frames(
    predictor: HitPredictor, request: CalibrationRequest, labels: GroupedLabels, progress: Progress
) -> LabelledFrames:
    """Score every labelled frame with the network itself, without the calibration that the model may hold."""
    run = labelled_run(request.paths, labels.table.paths)
    check_files(labels, expand(list(request.paths)))
    step = progress.stage("Calibrating", len(run))
    score = FrameScorer(predictor.scorer.raw, predictor.card.prepare)

    def scored() -> Iterator[ScoredFrame]:
        for frame in run.map(score, request.threads):
            step()
            yield frame

    return join_labels(scored(), labels, request.demand.maybe, request.demand.counted)


def _warn_of_copies(frames: LabelledFrames) -> list[str]:
    copies = count_copies(frames)
    if copies <= frames.hits / 100:
        return []
    return [
        f"WARNING: {copies} of the {frames.hits} hits have exactly the score and background of another. Is a file "
        "given twice, as a copy or as a master file and its data files? A hit counted twice overstates the evidence."
    ]


def _warn_of_near_copies(calibration: Calibration, demand: Demand) -> list[str]:
    promise = calibration.promise
    needed = fewest_units(demand)
    if promise.counted != Counted.FRAME or promise.effective_hits >= max(needed, promise.hits / 2):
        return []
    return [
        f"WARNING: neighbouring hits are alike: these {promise.hits} carry as much information as about "
        f"{promise.effective_hits:.0f} independent ones, and {needed} are needed. The promise holds for frames picked "
        "at random from the same scans as these, not for other scans. Pick the frames to label at random from all "
        "that is screened, or give --group-by file, folder or group."
    ]


def _write_report(path: Path, calibrated: Calibrated, demand: Demand) -> None:
    found = sections(calibrated.calibration, calibrated.labelled, demand, calibrated.warnings)
    path.write_text(page("Calibration report", sentence(demand.text), found), encoding="utf-8")
