"""Which shards make up a run: complete ones of one screening, without a gap and without an overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from pathlib import Path

from fedbragg.errors import InputError
from fedbragg.screening import checkpoint
from fedbragg.screening.checkpoint import Checkpoint, Identity
from fedbragg.screening.shards.frame_table import frames_in
from fedbragg.screening.shards.record import ShardRecord, load_record
from fedbragg.screening.shards.shard import Shard, in_words
from fedbragg.types import Verdict


@dataclass(frozen=True, slots=True)
class StoredShard:
    """A shard on disk."""

    folder: Path
    record: ShardRecord
    checkpoint: Checkpoint

    @property
    def positions(self) -> range:
        """Return the positions in the run of the shard's frames."""
        return self.record.positions

    @property
    def whole(self) -> Identity:
        """Return the identity of the whole screening, of which this is a part."""
        return replace(self.checkpoint.identity, shard="")

    def verdicts(self) -> Iterator[Verdict]:
        """Yield the verdicts before drift is watched; raise InputError where the tables are damaged."""
        return frames_in(self.folder, len(self.positions), spots=self.checkpoint.identity.spots)


def join(folders: Sequence[Path]) -> list[StoredShard]:
    """Return the shards in the run's order; raise InputError where they do not make up one screening of one run."""
    shards = [_stored(folder) for folder in folders]
    for shard in shards:
        _check_same(shards[0], shard)
    for shard in shards:
        _check_complete(shard)
    ordered = sorted(shards, key=lambda shard: (shard.positions.start, shard.positions.stop))
    _check_cover(ordered)
    return ordered


def verdicts_of(shards: Sequence[StoredShard]) -> Iterator[Verdict]:
    """Yield the verdicts of all shards, one a frame and in the run's order, before drift is watched."""
    return chain.from_iterable(shard.verdicts() for shard in shards)


def _stored(folder: Path) -> StoredShard:
    """Read what a folder says about itself."""
    record = load_record(folder)
    found = checkpoint.load(folder)
    if found is None or found.identity.shard != str(record.shard) or found.identity.frames != record.frames:
        raise InputError(f"{folder}: its screening has not begun. Run its command again.")
    return StoredShard(folder, record, found)


def _check_same(first: StoredShard, other: StoredShard) -> None:
    """Refuse a shard of another screening than the first one's."""
    same_spots = replace(other.whole, spots=first.whole.spots)  # --cxi says the same
    parts = [first.whole.changes(same_spots), *first.record.request.changes(other.record.request)]
    if first.record.version != other.record.version:
        parts.append(f"fedbragg's version ({first.record.version} and {other.record.version})")
    different = " and ".join(part for part in parts if part)
    if different:
        raise InputError(
            f"{other.folder}: is no part of the same screening as {first.folder}; different: {different}. "
            "Leave it out, or screen it again as the others."
        )


def _check_complete(shard: StoredShard) -> None:
    done, frames = shard.checkpoint.done, len(shard.positions)
    if done < frames:
        raise InputError(
            f"{shard.folder}: has {done} of its {frames} frames. Run its command again with --resume."
        )
    checkpoint.check_tables(shard.folder, shard.checkpoint, "Screen this shard again.")


def _check_cover(ordered: Sequence[StoredShard]) -> None:
    """Refuse shards with an overlap or a gap between them."""
    filled = [shard for shard in ordered if shard.positions]  # a short run leaves shards without a frame
    for before, after in pairwise(filled):
        shared = range(after.positions.start, min(before.positions.stop, after.positions.stop))
        if shared:
            raise InputError(
                f"{before.folder} and {after.folder}: both hold {in_words(shared)} of the run. "
                "Leave one of them out."
            )
    ends = [0, *(shard.positions.stop for shard in filled)]
    starts = [*(shard.positions.start for shard in filled), ordered[0].record.frames]
    for end, start in zip(ends, starts, strict=True):
        if start > end:
            raise InputError(_gap(range(end, start), ordered[0].record))


def _gap(missing: range, record: ShardRecord) -> str:
    """Return what to do about frames that are in no shard; the shards are named where one was left out."""
    count = record.shard.count
    shards = (Shard(number, count) for number in range(1, count + 1))
    left_out = [shard for shard in shards if (own := shard.positions(record.frames)) and own[0] in missing]
    named = " and ".join(f"--shard {shard}" for shard in left_out[:3])
    names = f" ({named}{' and more' if len(left_out) > 3 else ''})" if left_out else ""
    return (
        f"{in_words(missing)} of the run's {record.frames} are in no folder given{names}. "
        "Screen them, or give their folders too."
    )
