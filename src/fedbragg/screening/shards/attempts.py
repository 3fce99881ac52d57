"""The folders of shards that are screened on a cluster: OUT/shards/3-of-16-try-1.

A task that was given up for lost may still run, on a node that only the network was lost to. It must not write into
the tables of the task that replaces it. So each try has a folder of its own, which begins as a copy of the last one.
"""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path

from fedbragg.errors import InputError
from fedbragg.screening import checkpoint
from fedbragg.screening.checkpoint import CHECKPOINT, Checkpoint
from fedbragg.screening.shards.record import RECORD
from fedbragg.screening.shards.shard import Shard

SHARDS = "shards"
TRY = re.compile(r"(\d+)-of-(\d+)-try-(\d+)")


def first_try(out: Path, shard: Shard) -> Path:
    """Return the folder of a shard's first try."""
    return _folder(out / SHARDS, shard, 1)


def next_try(folder: Path) -> Path:
    """Copy a try as far as its checkpoint says, and return the copy's folder; raise InputError where that fails."""
    shard, number = _read(folder)
    copy = _folder(folder.parent, shard, number + 1)
    unfinished = folder.with_name(f".{copy.name}")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        for name in (CHECKPOINT, RECORD, *_stored(folder).sizes):  # the checkpoint first: tables only grow
            shutil.copyfile(folder / name, unfinished / name)
        unfinished.rename(copy)
    except OSError as error:
        raise InputError(
            f"{copy}: cannot be written ({error.strerror}). Make room, then add --resume."
        ) from None
    return copy


def newest_tries(out: Path) -> dict[Shard, Path]:
    """Return the folder of each shard's last try; none where no shard was begun."""
    found = (path for path in _listed(out) if TRY.fullmatch(path.name))
    by_try = sorted(found, key=lambda path: _read(path)[1])
    return {_read(path)[0]: path for path in by_try}


def frames_done(folder: Path) -> int:
    """Return how many frames of a try are on disk."""
    return _stored(folder).done


def remove_tries(out: Path) -> None:
    """Remove the folders of all shards; what is not fedbragg's stays."""
    for folder in _listed(out):
        if TRY.fullmatch(folder.name.removeprefix(".")):
            shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # there is none, or something else lies in it
        (out / SHARDS).rmdir()


def _listed(out: Path) -> list[Path]:
    try:
        return list((out / SHARDS).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _folder(shards: Path, shard: Shard, number: int) -> Path:
    return shards / f"{shard.number}-of-{shard.count}-try-{number}"


def _read(folder: Path) -> tuple[Shard, int]:
    """Return which shard and which try a folder holds."""
    number, count, attempt = folder.name.replace("-of-", " ").replace("-try-", " ").split()
    return Shard(int(number), int(count)), int(attempt)


def _stored(folder: Path) -> Checkpoint:
    found = checkpoint.load(folder)
    if found is None:
        raise InputError(f"{folder}: its checkpoint is gone. Start again without --resume.")
    return found
