"""The part of a report that tells of a screening: rates, scores, and frames to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fedbragg.errors import FrameError
from fedbragg.report.figures import heat_map, hit_rate_over_run, score_histogram
from fedbragg.report.page import Section, drawing, facts, gallery, paragraph
from fedbragg.report.pictures import picture
from fedbragg.screening.session import Outcome
from fedbragg.screening.summary.tally import Tally
from fedbragg.tasks.hits.predictor import HitPredictor
from fedbragg.types import Run

SHOWN = 6
"""Frames in each gallery."""


def sections(outcome: Outcome, run: Run, predictor: HitPredictor) -> list[Section]:
    """Return the sections on one screened run; reads the few frames shown once more."""
    tally = outcome.tally
    return [
        Section("Screening", [*_numbers(outcome), *_figures(tally)]),
        _gallery("Hits", tally.best(SHOWN), run, predictor, tally.threshold),
        _gallery("Doubtful frames", tally.doubtful(SHOWN), run, predictor, tally.threshold),
        _gallery("Misses", tally.dropped(SHOWN), run, predictor, tally.threshold),
    ]


def _numbers(outcome: Outcome) -> list[str]:
    tally = outcome.tally
    return [
        facts(
            [
                ("frames", f"{tally.frames:,}"),
                ("kept", f"{tally.kept:,}"),
                ("hit rate", percent(tally.hit_rate)),
                ("frames/s", f"{tally.frames / outcome.seconds:.1f}"),
                ("unreadable, kept", f"{tally.unreadable:,}"),
            ]
        ),
        *(paragraph(reason, warn=True) for reason in tally.reasons),
        *([paragraph(f"Promise: {outcome.promise}.")] if outcome.promise else []),
        *(paragraph(f"Drift: {line}.", warn=True) for line in outcome.drift),
    ]


def _figures(tally: Tally) -> list[str]:
    figures = [
        drawing(
            score_histogram(tally.histogram, tally.threshold),
            "Scores of all frames, and the threshold from which a frame is kept.",
        ),
        drawing(
            hit_rate_over_run(tally.curve.points()),
            f"Share of kept frames along the run, in steps of {tally.curve.width} frames.",
        ),
    ]
    if tally.on_grid is not None:
        grid = tally.on_grid.grid
        way = "every second row from right to left" if grid.snake else "each row from left to right"
        caption = (
            f"Scores on the grid, {grid.rows} rows of {grid.cols}, {way}. Red reaches the threshold; grey has no "
            "score."
        )
        figures.append(drawing(heat_map(tally.on_grid.scores, tally.threshold), caption))
    return figures


def percent(share: float) -> str:
    """Show a share as a percentage; a dash where there is none."""
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def _gallery(
    title: str, positions: Sequence[int], run: Run, predictor: HitPredictor, threshold: float
) -> Section:
    pictures = []
    for position in positions:
        try:
            frame = run[position]
        except FrameError:
            continue  # gone since it was screened
        seen = predictor(frame)
        score, marked = seen.score or 0.0, seen.spots
        verdict = "kept" if score >= threshold else "below the threshold"  # kept all the same in drift
        name = f"{frame.path.rsplit('/', 1)[-1]} frame {frame.index}"
        pictures.append(
            (picture(frame, marked), f"{name}: score {score:.3f}, {verdict}, {len(marked)} spots marked")
        )
    return Section(title, [gallery(pictures) if pictures else paragraph("None.")])
