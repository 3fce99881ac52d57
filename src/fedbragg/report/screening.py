"""The part of a report that tells of a screening: rates, scores, and frames to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fedbragg.errors import FrameError
from fedbragg.models.file import Scorer
from fedbragg.prepare import prepare_with_peaks, spots
from fedbragg.report.figures import hit_rate_over_run, score_histogram
from fedbragg.report.page import Section, drawing, facts, gallery, paragraph
from fedbragg.report.pictures import picture
from fedbragg.screening.tally import Tally
from fedbragg.types import Frame, Run, Spot

SHOWN = 6
"""Frames in each gallery."""


def sections(tally: Tally, run: Run, scorer: Scorer, seconds: float) -> list[Section]:
    """Return the sections on one screened run; reads the few frames shown once more."""
    overview = [
        facts(
            [
                ("frames", f"{tally.frames:,}"),
                ("kept", f"{tally.kept:,}"),
                ("hit rate", percent(tally.hit_rate)),
                ("frames/s", f"{tally.frames / seconds:.1f}"),
                ("unreadable, kept", f"{tally.unreadable:,}"),
            ]
        ),
        *(paragraph(reason, warn=True) for reason in tally.reasons),
        drawing(score_histogram(tally.scores, tally.threshold), "Scores of all frames, and the threshold."),
        drawing(hit_rate_over_run(tally.kept_flags), "Share of kept frames along the run."),
    ]
    return [
        Section("Screening", overview),
        _gallery("Best frames", tally.best(SHOWN), run, scorer, tally.threshold),
        _gallery("Doubtful frames", tally.doubtful(SHOWN), run, scorer, tally.threshold),
        _gallery("Clearest misses", tally.dropped(SHOWN), run, scorer, tally.threshold),
    ]


def percent(share: float) -> str:
    """Show a share as a percentage; a dash where there is none."""
    return "–" if math.isnan(share) else f"{100 * share:.1f} %"


def found(frame: Frame, scorer: Scorer) -> tuple[float, list[Spot]]:
    """Return a frame's score and the spots behind it."""
    view, peaks = prepare_with_peaks(frame, scorer.card.prepare)
    score, spot_map = scorer(view)
    return score, spots(peaks, spot_map)


def _gallery(title: str, positions: Sequence[int], run: Run, scorer: Scorer, threshold: float) -> Section:
    pictures = []
    for position in positions:
        try:
            frame = run[position]
        except FrameError:
            continue  # gone since it was screened
        score, marked = found(frame, scorer)
        verdict = "kept" if score >= threshold else "dropped"
        name = f"{frame.path.rsplit('/', 1)[-1]} frame {frame.index}"
        pictures.append(
            (picture(frame, marked), f"{name}: score {score:.3f}, {verdict}, {len(marked)} spots marked")
        )
    return Section(title, [gallery(pictures) if pictures else paragraph("None.")])
