"""``fedbragg screen --ray``: screen the shards of a run on the nodes of a cluster, and merge them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from fedbragg.cli.exit_codes import STOPPED
from fedbragg.cli.screen_whole import screen_whole_run
from fedbragg.cli.shard_table import shard_table
from fedbragg.cli.show import warn
from fedbragg.cli.show_screening import show, show_stopped

if TYPE_CHECKING:
    from fedbragg.workflows.cluster.begin import Begun
    from fedbragg.workflows.cluster.screen_shards import Screener
    from fedbragg.workflows.screen import Screening


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """The cluster and the number of parts; None: the default."""

    address: str  # auto, local or HOST:PORT
    shards: int | None


def screen_on_cluster(
    paths: list[str], screening: Screening, options: ClusterOptions, *, resume: bool
) -> int:
    """Screen a run on a cluster, print the result and return the exit code.

    ``screening.threads`` are those of a shard, 0 for one for each core of its node.
    """
    from fedbragg.extras import require
    from fedbragg.workflows.cluster.address import check_address
    from fedbragg.workflows.cluster.begin import begin_on_cluster

    check_address(options.address)
    require("cluster", "--ray")
    begun = begin_on_cluster(paths, screening, resume=resume)
    if begun.complete:
        return _finish(begun)
    screener, stopped = _screen(begun, options)
    if stopped:
        return _show_stopped(screener, begun, stopped)
    return _merge(screener, begun)


def _screen(begun: Begun, options: ClusterOptions) -> tuple[Screener, int]:
    """Screen the shards; return where they are, and the signal that stopped it."""
    from fedbragg.screening.stop_signal import StopSignal
    from fedbragg.workflows.cluster.address import find_cluster
    from fedbragg.workflows.cluster.begin import make_shards
    from fedbragg.workflows.cluster.ray_cluster import ray_cluster
    from fedbragg.workflows.cluster.screen_shards import ClusterScreening, screen_shards

    with ray_cluster(find_cluster(options.address)) as cluster, StopSignal() as stop:
        folders = make_shards(begun, options.shards, len(cluster.nodes()))
        screening = ClusterScreening(folders, begun.opened.identity.frames, begun.screening.threads)
        with shard_table() as table:
            return screen_shards(screening, cluster, table, stop), stop.number


def _merge(screener: Screener, begun: Begun) -> int:
    """Write the results of the whole run from the shards, whose folders are then removed."""
    from fedbragg.cli.merge import write_merged
    from fedbragg.screening.shards.attempts import remove_tries
    from fedbragg.workflows.merge import begin_merge

    out = begun.screening.out
    outcome, lines = write_merged(begin_merge(screener.folders, out, warn))
    if outcome.stopped:
        return show_stopped(outcome, out, begun.opened.identity.frames)
    remove_tries(out)
    return show(outcome, out, lines)


def _finish(begun: Begun) -> int:
    """Write the missing files of a merged screening, such as a file of hits that only this call asks for."""
    from fedbragg.screening.shards.attempts import remove_tries
    from fedbragg.workflows.cores import number_of_threads

    whole = replace(begun.screening, threads=number_of_threads(begun.screening.threads))
    code = screen_whole_run(list(begun.paths), whole, resume=True)
    remove_tries(begun.screening.out)
    return code


def _show_stopped(screener: Screener, begun: Begun, stopped: int) -> int:
    done, frames = screener.frames_done(), begun.opened.identity.frames
    typer.echo(
        f"fedbragg: stopped after {done} of {frames} frames; the results so far are in {_shards(begun.screening.out)}. "
        "To continue, give the same command with --resume.",
        err=True,
    )
    return STOPPED + stopped


def _shards(out: Path) -> Path:
    from fedbragg.screening.shards.attempts import SHARDS

    return out / SHARDS
