"""The report beside a calibrated model: the promise, what it costs, and whether the probabilities are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fedbragg.errors import LabelError
from fedbragg.metrics.classification import proportion
from fedbragg.metrics.reliability import brier, calibration_error, reliability
from fedbragg.report.figures import reliability_diagram, scores_by_class
from fedbragg.report.page import Section, drawing, facts, paragraph, table
from fedbragg.screening.guarantee.calibrate import Demand, bound
from fedbragg.screening.guarantee.frames import Labelled
from fedbragg.screening.guarantee.score_map import cross_fitted
from fedbragg.screening.guarantee.wording import promised, rests_on
from fedbragg.tasks.hits.calibration_card import Calibration

OTHERS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Largest losses whose price the report tells."""


def sections(
    calibration: Calibration, labelled: Labelled, demand: Demand, warnings: Sequence[str]
) -> list[Section]:
    """Return the sections on one calibration."""
    return [
        _promise_section(calibration, warnings),
        _price_section(labelled, demand),
        _probability_section(calibration, labelled),
        _origin_section(calibration),
    ]


def _promise_section(calibration: Calibration, warnings: Sequence[str]) -> Section:
    promise = calibration.promise
    threshold = calibration.score_map(calibration.raw_threshold)
    discarded = proportion(promise.discarded, promise.misses)
    return Section(
        "Promise",
        [
            facts(
                [
                    ("hits lost at most", f"{100 * promise.max_loss:g} %"),
                    ("confidence", f"{100 * promise.confidence:g} %" if promise.confidence else "on average"),
                    ("threshold", f"{threshold:.4g}"),
                    ("of the misses discarded", f"{100 * discarded.value:.1f} %"),
                ]
            ),
            *(paragraph(warning, warn=True) for warning in warnings),
            paragraph(f"{promised(promise)}. It rests on {rests_on(promise)}."),
            table(
                ("evidence", ""),
                [
                    ("labelled hits (frames)", str(promise.hits)),
                    (
                        f"independent units: {promise.counted}s",
                        str(promise.units),
                    ),
                    (
                        "hits that would tell as much, by how alike neighbours are",
                        f"{promise.effective_hits:.0f}",
                    ),
                    ("hits below the threshold", str(promise.lost)),
                    ("bound of the lost share", f"{100 * promise.bound:.3g} %"),
                    ("a maybe counts as", promise.maybe),
                    ("labelled misses", str(promise.misses)),
                    ("misses below the threshold", f"{promise.discarded}, {discarded}"),
                    ("hits that could not be read: kept, never lost, not counted", str(promise.unreadable)),
                ],
            ),
        ],
    )


def _price_section(labelled: Labelled, demand: Demand) -> Section:
    rows = [
        (f"{100 * max_loss:g} %", *_price(labelled, replace(demand, max_loss=max_loss)))
        for max_loss in OTHERS
    ]
    return Section(
        "What other promises cost",
        [
            table(
                (
                    "hits lost at most",
                    "threshold of the network's score",
                    "misses discarded",
                    "data discarded",
                ),
                rows,
            ),
            paragraph(
                "Data discarded: share of a run with the hit rate of these frames. Choose before you look: a promise "
                "picked because its row reads well no longer holds with the stated confidence."
            ),
        ],
    )


def _price(labelled: Labelled, demand: Demand) -> tuple[str, str, str]:
    try:
        threshold = bound(labelled, demand).threshold
    except LabelError:
        return "too few hits", "–", "–"
    below = labelled.score < threshold
    return f"{threshold:.4g}", f"{100 * below[~labelled.hit].mean():.1f} %", f"{100 * below.mean():.1f} %"


def _probability_section(calibration: Calibration, labelled: Labelled) -> Section:
    hit, raw = labelled.hit, labelled.score
    others = cross_fitted(raw, hit)
    mapped = np.array([calibration.score_map(score) for score in raw])
    kinds = {"the network's score": raw, "calibrated": others}
    rows = [
        (name, f"{calibration_error(hit, values):.4f}", f"{brier(hit, values):.4f}")
        for name, values in kinds.items()
    ]
    curve = reliability_diagram({name: reliability(hit, values) for name, values in kinds.items()})
    return Section(
        "Probabilities",
        [
            drawing(
                curve,
                "Share of hits among frames of like probability, with 95 % intervals. Calibrated: each fifth of the "
                "frames by a map fitted on the other four, cut in the run's order.",
            ),
            table(("probability", "expected calibration error", "Brier score"), rows),
            paragraph(
                "Probabilities hold where hits are as frequent as among these frames, "
                f"{100 * calibration.hit_share:.1f} %. At another hit rate the odds change by the ratio of the odds of "
                "the two rates; the order of frames, the threshold and the promise do not."
            ),
            drawing(
                scores_by_class(
                    mapped[hit].tolist(),
                    mapped[~hit].tolist(),
                    calibration.score_map(calibration.raw_threshold),
                ),
                "Labelled frames by calibrated probability.",
            ),
        ],
    )


def _origin_section(calibration: Calibration) -> Section:
    levels = ", ".join(f"{low:.4g} to {high:.4g}" for low, high in calibration.levels.ranges) or "none known"
    origin, score_map = calibration.origin, calibration.score_map
    return Section(
        "Origin",
        [
            table(
                ("what", ""),
                [
                    ("backgrounds calibrated, counts a pixel", levels),
                    ("like frames outside these, at most", f"{100 * calibration.levels.outside:.2g} %"),
                    (
                        "map: log odds = a ln s - b ln(1 - s) + c",
                        f"a {score_map.a:.4g}, b {score_map.b:.4g}, c {score_map.c:.4g}",
                    ),
                    ("model file, SHA-256", origin.model),
                    ("labels, SHA-256", origin.labels),
                    ("fedbragg", origin.fedbragg),
                    ("date", origin.date or "not given"),
                ],
            )
        ],
    )
