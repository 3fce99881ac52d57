"""Print the result of a screening."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from fedbragg.cli.exit_codes import STOPPED, UNREADABLE
from fedbragg.cli.show import say

if TYPE_CHECKING:
    from fedbragg.screening.session import Outcome


def show(outcome: Outcome, out: Path, outputs: list[str]) -> int:
    """Print the result and return the exit code; raise InputError where no frame at all could be read."""
    from fedbragg.errors import InputError
    from fedbragg.screening.outputs.tables import KEPT, VERDICTS
    from fedbragg.workflows.screen import REPORT

    tally = outcome.tally
    if tally.frames == tally.unreadable:
        first = f" First: {tally.reasons[0]}" if tally.reasons else ""
        raise InputError(f"none of the {tally.frames} frames could be read; all are kept.{first}")
    show_counts(outcome)
    say(f"promise     {outcome.promise}")
    for line in outcome.drift:
        say(f"drift       {line}")
    say(f"written     {out / VERDICTS}, {out / KEPT}, {out / REPORT}")
    for line in outputs:
        say(f"            {line}")
    return UNREADABLE if tally.unreadable else 0


def show_counts(outcome: Outcome) -> None:
    """Print numbers and speed, and the first reasons why frames could not be read."""
    from fedbragg.report.screening import percent

    tally = outcome.tally
    say(f"frames      {tally.frames}")
    say(f"kept        {tally.kept}")
    say(f"hit rate    {percent(tally.hit_rate)}")
    say(f"frames/s    {tally.frames / outcome.seconds:.1f}")
    if tally.unreadable:
        say(f"unreadable  {tally.unreadable} (kept)")
        for reason in tally.reasons:
            say(f"            {reason}")


def show_stopped(outcome: Outcome, out: Path, frames: int) -> int:
    """Print in one line how far it came and how to continue; return the exit code."""
    typer.echo(
        f"fedbragg: stopped after {outcome.tally.frames} of {frames} frames; their results are complete in {out}. "
        "To continue, give the same command with --resume.",
        err=True,
    )
    return STOPPED + outcome.stopped
