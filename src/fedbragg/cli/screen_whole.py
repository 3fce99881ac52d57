"""``fedbragg screen`` on one machine: screen a whole run."""

from __future__ import annotations

from dataclasses import replace
from signal import SIGINT
from typing import TYPE_CHECKING

from fedbragg.cli.compiling import announced_compiling
from fedbragg.cli.show import say
from fedbragg.cli.show_screening import show, show_stopped

if TYPE_CHECKING:
    from fedbragg.workflows.screen import Screening


def screen_whole_run(paths: list[str], screening: Screening, *, resume: bool) -> int:
    """Screen a run, or the rest of it, print the result and return the exit code."""
    from fedbragg.progress import bars
    from fedbragg.workflows.compile_ahead import compile_ahead
    from fedbragg.workflows.screen import REPORT, begin, screen_run, write_outputs, write_report

    run, session = begin(paths, screening, resume=resume)
    with announced_compiling(say), bars() as progress:
        if screening.threads > 1:
            compile_ahead(run)
        outcome = screen_run(run, screening, session, progress)
    if outcome.stopped and outcome.tally.frames == 0:
        return show_stopped(outcome, screening.out, len(run))
    try:
        lines = write_outputs(run, screening)
        write_report(screening.out / REPORT, outcome, run, screening)
    except KeyboardInterrupt:
        return show_stopped(replace(outcome, stopped=SIGINT), screening.out, len(run))
    if outcome.stopped:
        return show_stopped(outcome, screening.out, len(run))
    return show(outcome, screening.out, lines)
