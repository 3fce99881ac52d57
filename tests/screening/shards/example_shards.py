"""Shards of small runs, screened as the command does but with a judge that counts peaks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from example_runs import PEAK_JUDGE, empty_checkpoint, interrupt_after

from fedbragg.images import open_run
from fedbragg.screening.checkpoint import Identity, resume
from fedbragg.screening.session import Outcome, Session
from fedbragg.screening.shards.record import RECORD, Request, ShardRecord, save_record
from fedbragg.screening.shards.screen import screen_shard_to_folder
from fedbragg.screening.shards.shard import Shard


def identity_of(path: Path) -> Identity:
    return empty_checkpoint(open_run(path), [str(path)]).identity


def screen_shard(
    path: Path,
    folder: Path,
    shard: Shard,
    stops: Iterable[int | None] = (None,),
    identity: Identity | None = None,
) -> Outcome:
    """Screen one shard; the process gets a SIGINT after each of ``stops``, and the shard is resumed."""
    run, whole = open_run(path), identity or identity_of(path)
    folder.mkdir(exist_ok=True, parents=True)
    request = Request((str(path),), "count_peaks", cxi="hits.cxi")
    save_record(folder, ShardRecord(shard, whole.frames, request, str(Path.cwd()), "0.1.0"))
    for stop_after in stops:
        start = replace(resume(folder, replace(whole, shard=str(shard))), outputs=[RECORD])
        session = Session(folder, 2, start, part=shard.positions(whole.frames))
        outcome = screen_shard_to_folder(run, PEAK_JUDGE, session, interrupt_after(stop_after))
    return outcome


def shards_of(path: Path, folder: Path, count: int) -> list[Path]:
    """Screen a run in so many shards; return their folders."""
    folders = [folder / f"part_{number}" for number in range(1, count + 1)]
    for number, part in enumerate(folders, 1):
        screen_shard(path, part, Shard(number, count))
    return folders
