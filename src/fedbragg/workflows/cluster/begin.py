"""Begin to screen a run in shards on a cluster, or continue: the folders of the shards in OUT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fedbragg.errors import ConfigError, InputError
from fedbragg.workflows.screen import Opened, Screening, open_checked
from fedbragg.workflows.screen_shard import record_of

if TYPE_CHECKING:
    from fedbragg.screening.checkpoint import Checkpoint
    from fedbragg.screening.shards.shard import Shard

SHORTEST = 1000
"""Fewest frames of a shard, where the user gives no number of shards."""
SHARDS_A_NODE = 4
"""Several shards a node, so that a slow node delays the end only briefly."""


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """A screening, of which some or all results may be on disk."""

    paths: Sequence[str]
    screening: Screening
    opened: Opened
    resumed: bool

    @property
    def complete(self) -> bool:
        """Return whether the merged tables are on disk."""
        from fedbragg.screening import checkpoint

        found = checkpoint.load(self.screening.out) if self.resumed else None
        return found is not None and found.done == self.opened.identity.frames


def begin_on_cluster(paths: Sequence[str], screening: Screening, *, resume: bool) -> Begun:
    """Open the run and read OUT without writing; raise FedbraggError where the screening cannot be done."""
    from fedbragg.screening import checkpoint

    opened = open_checked(paths, screening)
    if resume:
        checkpoint.resume(screening.out, opened.identity)
    return Begun(paths, screening, opened, resume)


def make_shards(begun: Begun, asked: int | None, nodes: int) -> dict[Shard, Path]:
    """Return each shard's folder, in order, with the record that a node needs; ``asked`` is how many the user wants.

    Unless it is resumed, results of an earlier screening in OUT are removed. An incomplete shard continues in a
    copy of its folder. Raises ConfigError where a resumed screening has another number of shards than is asked for.
    """
    from fedbragg.screening.shards.attempts import first_try, newest_tries, next_try
    from fedbragg.screening.shards.record import save_record
    from fedbragg.screening.shards.shard import Shard

    out, frames = begun.screening.out.absolute(), begun.opened.identity.frames
    _make_out(begun)
    stored = newest_tries(out)
    count = _count(asked, {shard.count for shard in stored}, frames, nodes)
    folders = {}
    for number in range(1, count + 1):
        shard = Shard(number, count)
        folder = stored.get(shard) or _new(first_try(out, shard), begun, shard)
        if shard in stored and not is_complete(folder, shard, frames):
            folder = next_try(folder)
        save_record(folder, record_of(begun.paths, begun.screening, shard, frames))
        folders[shard] = folder
    return folders


def _make_out(begun: Begun) -> None:
    """Make OUT and its checkpoint, which shows other commands what is being screened there."""
    from fedbragg.screening import checkpoint
    from fedbragg.screening.shards.attempts import remove_tries
    from fedbragg.workflows.folder import make_folder

    out, identity = begun.screening.out, begun.opened.identity
    if not begun.resumed:
        checkpoint.start_over(out, identity)
        remove_tries(out)
    make_folder(out)
    if not begun.resumed or checkpoint.load(out) is None:
        _save(out, checkpoint.Checkpoint(identity))


def is_complete(folder: Path, shard: Shard, frames: int) -> bool:
    """Return whether all frames of a shard are on disk; ``frames`` are those of the run."""
    from fedbragg.screening.shards.attempts import frames_done

    return frames_done(folder) == len(shard.positions(frames))


def _count(asked: int | None, stored: set[int], frames: int, nodes: int) -> int:
    """Return the number of shards."""
    if not stored:
        return min(frames, asked or max(1, min(SHARDS_A_NODE * nodes, frames // SHORTEST)))
    count = max(stored)
    if asked is not None and min(asked, frames) != count:
        raise ConfigError(
            f"--shards {asked}: this screening has {count} shards. Leave --shards out, or leave out --resume."
        )
    return count


def _new(folder: Path, begun: Begun, shard: Shard) -> Path:
    from fedbragg.screening.checkpoint import Checkpoint
    from fedbragg.workflows.folder import make_folder

    make_folder(folder)
    _save(folder, Checkpoint(replace(begun.opened.identity, shard=str(shard))))
    return folder


def _save(folder: Path, start: Checkpoint) -> None:
    from fedbragg.screening.checkpoint import save

    try:
        save(folder, start)
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror}). Give another --out.") from None
