"""Print the results of a watch: each series when it is over, and the images that a stopped watch did not receive."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from fedbragg.cli.exit_codes import STOPPED

if TYPE_CHECKING:
    from pathlib import Path

    from fedbragg.live.series_folder import SeriesOutcome
    from fedbragg.live.watch import Watched


def show_series(outcome: SeriesOutcome, tell: Callable[[str], None]) -> None:
    """Print the result of a series."""
    from fedbragg.report.screening import percent
    from fedbragg.screening.outputs.tables import KEPT, VERDICTS

    tally = outcome.outcome.tally
    tell(f"series      {outcome.series}" + ("" if outcome.ended else " (its end did not come)"))
    tell(f"frames      {tally.frames}")
    tell(f"kept        {tally.kept}")
    tell(f"hit rate    {percent(tally.hit_rate)}")
    tell(f"frames/s    {tally.frames / max(outcome.outcome.seconds, 1e-9):.1f}")
    for line in what_is_missing(outcome):
        tell(line)
    tell(f"promise     {outcome.outcome.promise}")
    for text in outcome.outcome.drift:
        tell(f"drift       {text}")
    tell(f"written     {outcome.folder / VERDICTS}, {outcome.folder / KEPT}")
    if outcome.images:
        tell(f"            {outcome.images}")


def what_is_missing(outcome: SeriesOutcome) -> list[str]:
    """Return a line for each way in which a series is not complete."""
    numbers = outcome.numbers
    counted = {
        f"(images {numbers.in_words()})": ("missing", numbers.missing),
        f"of {numbers.announced} announced images, the last ones": ("not sent", numbers.unsent),
        "(kept, the queue was full)": ("unscored", outcome.unscored),
        "(kept)": ("unreadable", outcome.outcome.tally.unreadable - outcome.unscored),
        "(counted once)": ("twice", outcome.twice),
        f"the {numbers.announced} announced images": ("beyond", outcome.beyond),
    }
    lines = [f"{name:<12}{number} {text}" for text, (name, number) in counted.items() if number]
    if numbers.joined is not None:
        lines.append(f"joined      at image {numbers.joined}; those before were not received")
    return lines


def show_stopped(result: Watched, out: Path) -> int:
    """Print the lost images in one line; return the exit code."""
    lost = f"Not received: {' and '.join(result.lost)}." if result.lost else "No series was underway."
    typer.echo(
        f"fedbragg: stopped after {result.frames} frames; all that were received are written to {out}. {lost}",
        err=True,
    )
    return STOPPED + result.stopped
