"""The sections of a report about a screening: rates, scores, and frames to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fedbragg.errors import FrameError
from fedbragg.report.figures import heat_map, hit_rate_over_run, quantity_map, score_histogram
from fedbragg.report.page import PageSection, drawing, gallery, key_figures, paragraph
from fedbragg.report.pictures import picture
from fedbragg.screening.judge import FrameScorer, Judge
from fedbragg.screening.session import Outcome
from fedbragg.screening.summary.tally import Tally
from fedbragg.tasks.hits.predictor import HitPredictor
from fedbragg.types import Run

SHOWN = 6
"""Frames in each gallery."""


def sections(outcome: Outcome, run: Run, predictor: HitPredictor) -> list[PageSection]:
    """Return the sections; the few frames shown are read and scored again, because a run keeps no image."""
    tally = outcome.tally
    scorer = FrameScorer(predictor.scorer, predictor.card.prepare, list_spots=True, geometry=run.geometry)
    judge = Judge(scorer, tally.threshold)
    return [
        PageSection("Screening", [*_numbers(outcome), *_figures(tally)]),
        _gallery("Hits", tally.best(SHOWN), run, judge),
        _gallery("Doubtful frames", tally.doubtful(SHOWN), run, judge),
        _gallery("Misses", tally.dropped(SHOWN), run, judge),
    ]


def percent(share: float) -> str:
    """Show a share as a percentage; a dash where there is none."""
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def _numbers(outcome: Outcome) -> list[str]:
    tally = outcome.tally
    return [
        key_figures(
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
            "Scores of all frames; frames from the threshold on are kept.",
        ),
        drawing(
            hit_rate_over_run(tally.curve.points()),
            f"Share of kept frames along the run, in steps of {tally.curve.width} frames.",
        ),
    ]
    if tally.on_grid is not None:
        grid = tally.on_grid.grid
        order = "every second row from right to left" if grid.snake else "each row from left to right"
        caption = (
            f"Scores on the grid, {grid.rows} rows of {grid.cols}, {order}. Red: at the threshold or above; blue: "
            "below; grey: no score."
        )
        figures.append(drawing(heat_map(tally.on_grid.scores, tally.threshold), caption))
        for values, name, text in (
            (tally.on_grid.spots, "spots", "Number of spots on the grid; grey: no score."),
            (tally.on_grid.resolution, "resolution, Å", "Resolution of the spots (90th percentile of 1/d)."),
        ):
            if np.isfinite(values).any():
                figures.append(drawing(quantity_map(values, name), text))
    return figures


def _gallery(title: str, positions: Sequence[int], run: Run, judge: Judge) -> PageSection:
    pictures = [found for position in positions if (found := _picture(position, run, judge)) is not None]
    return PageSection(title, [gallery(pictures) if pictures else paragraph("None.")])


def _picture(position: int, run: Run, judge: Judge) -> tuple[bytes, str] | None:
    """Return a frame's picture and caption; None where it cannot be read any more."""
    try:
        frame = run[position]
    except FrameError:
        return None
    verdict = judge(frame)
    if verdict.score is None:
        return None
    decision = "kept" if verdict.keep else "below the threshold"  # in drift such a frame is kept all the same
    name = f"{frame.path.rsplit('/', 1)[-1]} frame {frame.index}"
    reach = f" to {verdict.resolution:.3g} Å" if verdict.resolution is not None else ""
    caption = f"{name}: score {verdict.score:.3f}, {decision}, {len(verdict.spots)} spots{reach} marked"
    return picture(frame, verdict.spots), caption
