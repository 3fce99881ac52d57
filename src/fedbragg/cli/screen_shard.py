"""``fedbragg screen --shard``: screen a part of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedbragg.cli.compiling import announced_compiling
from fedbragg.cli.exit_codes import UNREADABLE
from fedbragg.cli.show import say
from fedbragg.cli.show_screening import show_counts, show_stopped

if TYPE_CHECKING:
    from fedbragg.screening.session import Outcome, Session
    from fedbragg.screening.shards.shard import Shard
    from fedbragg.workflows.screen import Screening


def screen_one_shard(paths: list[str], screening: Screening, shard: Shard, *, resume: bool) -> int:
    """Screen a shard, print the result and return the exit code."""
    from fedbragg.progress import bars
    from fedbragg.workflows.screen_shard import begin_shard, screen_shard

    run, session = begin_shard(paths, screening, shard, resume=resume)
    with announced_compiling(say), bars() as progress:
        outcome = screen_shard(run, screening, session, progress)
    if outcome.stopped:
        return show_stopped(outcome, screening.out, len(session.frames))
    return _show(outcome, session, shard)


def _show(outcome: Outcome, session: Session, shard: Shard) -> int:
    from fedbragg.screening.shards.frame_table import FRAMES
    from fedbragg.screening.shards.shard import in_words

    frames, folder = session.start.identity.frames, session.folder
    say(f"shard       {shard}: {in_words(session.frames)} of {frames}")
    show_counts(outcome)
    say(f"written     {folder / FRAMES}")
    say(
        f"next        fedbragg merge with all {shard.count} shards, which watches drift and writes the results"
    )
    return UNREADABLE if outcome.tally.unreadable else 0
