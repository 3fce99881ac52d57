"""The report beside a calibrated model: the guarantee, its price, and how reliable the probabilities are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fedbragg.errors import LabelError
from fedbragg.metrics.proportions import proportion
from fedbragg.metrics.reliability import brier, calibration_error, reliability
from fedbragg.report.figures import reliability_diagram, scores_by_class
from fedbragg.report.page import PageSection, drawing, key_figures, paragraph, properties, sentence, table
from fedbragg.screening.guarantee.calibrate import find_threshold
from fedbragg.screening.guarantee.demand import Demand
from fedbragg.screening.guarantee.labelled_frames import LabelledFrames
from fedbragg.screening.guarantee.score_map import cross_fitted
from fedbragg.screening.guarantee.wording import evidence_text, promise_text
from fedbragg.tasks.hits.calibration_card import Calibration, Promise

OTHER_LOSSES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Largest losses for which the report lists the price."""


def sections(
    calibration: Calibration, frames: LabelledFrames, demand: Demand, warnings: Sequence[str]
) -> list[PageSection]:
    """Return the sections about one calibration."""
    return [
        _promise_section(calibration, warnings),
        _price_section(frames, demand),
        _probability_section(calibration, frames),
        _origin_section(calibration),
    ]


def _promise_section(calibration: Calibration, warnings: Sequence[str]) -> PageSection:
    promise = calibration.promise
    threshold = calibration.score_map(calibration.raw_threshold)
    discarded = proportion(promise.discarded, promise.misses)
    figures = [
        ("hits lost at most", f"{100 * promise.max_loss:g} %"),
        ("confidence", f"{100 * promise.confidence:g} %" if promise.confidence else "on average"),
        ("threshold", f"{threshold:.4g}"),
        ("of the misses discarded", f"{100 * discarded.value:.1f} %"),
    ]
    return PageSection(
        "Promise",
        [
            key_figures(figures),
            *(paragraph(warning, warn=True) for warning in warnings),
            paragraph(f"{sentence(promise_text(promise))} It is based on {evidence_text(promise)}."),
            properties(_evidence(promise)),
        ],
    )


def _evidence(promise: Promise) -> list[tuple[str, str]]:
    discarded = proportion(promise.discarded, promise.misses)
    return [
        ("labelled hits (frames)", str(promise.hits)),
        (f"independent units: {promise.counted}s", str(promise.units)),
        (
            "independent hits with as much information (effective sample size)",
            f"{promise.effective_hits:.0f}",
        ),
        ("hits below the threshold", str(promise.lost)),
        ("bound of the lost share", f"{100 * promise.bound:.3g} %"),
        ("a maybe counts as", promise.maybe),
        ("labelled misses", str(promise.misses)),
        ("misses below the threshold", f"{promise.discarded}, {discarded}"),
        ("hits that could not be read: kept, never lost, not counted", str(promise.unreadable)),
    ]


def _price_section(frames: LabelledFrames, demand: Demand) -> PageSection:
    columns = (
        "hits lost at most",
        "threshold of the network's score",
        "misses discarded",
        "data discarded",
    )
    rows = [
        (f"{100 * max_loss:g} %", *_price(frames, replace(demand, max_loss=max_loss)))
        for max_loss in OTHER_LOSSES
    ]
    note = (
        "Data discarded: share of a run with the hit rate of these frames. Choose a promise before you look: one "
        "chosen because its row reads well no longer holds with the stated confidence."
    )
    return PageSection("What other promises cost", [table(columns, rows), paragraph(note)])


def _price(frames: LabelledFrames, demand: Demand) -> tuple[str, str, str]:
    try:
        threshold = find_threshold(frames, demand).threshold
    except LabelError:
        return "too few hits", "–", "–"
    below = frames.score < threshold
    return f"{threshold:.4g}", f"{100 * below[~frames.hit].mean():.1f} %", f"{100 * below.mean():.1f} %"


def _probability_section(calibration: Calibration, frames: LabelledFrames) -> PageSection:
    note = (
        "Probabilities hold where hits are as frequent as among these frames, "
        f"{100 * calibration.hit_share:.1f} %. At another hit rate the odds change by the ratio of the odds of the two "
        "rates; the order of frames, the threshold and the promise do not change."
    )
    return PageSection(
        "Probabilities",
        [*_reliability(frames), paragraph(note), _histogram(calibration, frames)],
    )


def _reliability(frames: LabelledFrames) -> list[str]:
    """Return the reliability diagram and the errors of the scores, before calibration and after."""
    hit, raw = frames.hit, frames.score
    compared = {"the network's score": raw, "calibrated": cross_fitted(raw, hit)}
    rows = [
        (name, f"{calibration_error(hit, values):.4f}", f"{brier(hit, values):.4f}")
        for name, values in compared.items()
    ]
    diagram = reliability_diagram({name: reliability(hit, values) for name, values in compared.items()})
    caption = (
        "Share of hits among frames of similar probability, with 95 % intervals. Calibrated: each fifth of the frames, "
        "in the run's order, by a map fitted on the other four."
    )
    columns = ("probability", "expected calibration error", "Brier score")
    return [drawing(diagram, caption), table(columns, rows)]


def _histogram(calibration: Calibration, frames: LabelledFrames) -> str:
    score_map = calibration.score_map
    hits, misses = (
        [score_map(score) for score in frames.score[frames.hit == side]] for side in (True, False)
    )
    svg = scores_by_class(hits, misses, score_map(calibration.raw_threshold))
    return drawing(svg, "Labelled frames by calibrated probability.")


def _origin_section(calibration: Calibration) -> PageSection:
    levels = ", ".join(f"{low:.4g} to {high:.4g}" for low, high in calibration.levels.ranges) or "none known"
    origin, score_map = calibration.origin, calibration.score_map
    rows = [
        ("calibrated backgrounds, counts a pixel", levels),
        ("share of similar frames outside these, at most", f"{100 * calibration.levels.outside:.2g} %"),
        (
            "map: log odds = a ln s - b ln(1 - s) + c",
            f"a {score_map.a:.4g}, b {score_map.b:.4g}, c {score_map.c:.4g}",
        ),
        ("model file, SHA-256", origin.model),
        ("labels, SHA-256", origin.labels),
        ("fedbragg", origin.fedbragg),
        ("date", origin.date or "not given"),
    ]
    return PageSection("Origin", [properties(rows)])
