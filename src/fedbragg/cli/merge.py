"""``fedbragg merge``: join the shards of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.compiling import announced_compiling
from fedbragg.cli.exit_codes import STOPPED
from fedbragg.cli.options import OutOption
from fedbragg.cli.show import say, warn
from fedbragg.cli.show_screening import show

if TYPE_CHECKING:
    from fedbragg.screening.session import Outcome
    from fedbragg.types import Run
    from fedbragg.workflows.merge import Merging
    from fedbragg.workflows.screen import Screening

ShardsArgument = Annotated[
    list[Path], typer.Argument(metavar="DIR...", help="Folders of `fedbragg screen --shard`, in any order.")
]


def merge(shards: ShardsArgument, out: OutOption = Path("screening")) -> int:
    """Join the shards of a run into the results that one machine would have written.

    Watches drift over the whole run, then writes what `fedbragg screen` writes with the options that the shards were
    given. Shards of different screenings, incomplete ones, gaps and overlaps are refused.
    """
    from fedbragg.workflows.merge import begin_merge

    merging = begin_merge(shards, out, warn)
    outcome, lines = write_merged(merging)
    if outcome.stopped:
        return _show_stopped(outcome, len(merging.run))
    return show(outcome, out, lines)


def write_merged(merging: Merging) -> tuple[Outcome, list[str]]:
    """Write the results of the whole run, and the further files asked for; return a line about each of these."""
    from fedbragg.progress import bars
    from fedbragg.workflows.merge import merge as merge_shards
    from fedbragg.workflows.screen import REPORT, write_report

    run, screening = merging.run, merging.screening
    with announced_compiling(say), bars() as progress:
        outcome = merge_shards(merging, progress)
        if outcome.stopped:
            return outcome, []
        lines = _outputs(run, screening)
        write_report(screening.out / REPORT, outcome, run, screening)
    return outcome, lines


def _outputs(run: Run, screening: Screening) -> list[str]:
    """Write the files asked for; where one cannot be written, say how to continue with other options."""
    from fedbragg.errors import InputError
    from fedbragg.workflows.screen import write_outputs

    try:
        return write_outputs(run, screening)
    except InputError as error:
        raise InputError(
            f"{error} The tables are complete: `fedbragg screen` continues with --resume --out {screening.out}."
        ) from None


def _show_stopped(outcome: Outcome, frames: int) -> int:
    typer.echo(
        f"fedbragg: stopped after {outcome.tally.frames} of {frames} frames. Give the same command again.",
        err=True,
    )
    return STOPPED + outcome.stopped
