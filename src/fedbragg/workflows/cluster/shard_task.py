"""A node's task: screen the shard that a folder describes, or the rest of it.

Task and answer are texts of JSON. The frames are read from the file system and the verdicts are written to it.
"""

from __future__ import annotations

import json
from contextlib import chdir
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fedbragg.errors import FedbraggError, InputError
from fedbragg.version import __version__

if TYPE_CHECKING:
    from fedbragg.screening.shards.record import ShardRecord


@dataclass(frozen=True, slots=True)
class ShardTask:
    """The shard to screen, and the number of cores."""

    folder: str  # absolute; holds the shard's record and checkpoint
    threads: int

    def to_json(self) -> str:
        """Return the task as a text."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class ShardAnswer:
    """The result of a shard's task."""

    problem: str = ""  # why the shard cannot be screened on this node
    stopped: int = 0  # the signal that stopped it; 0 is none

    @staticmethod
    def from_json(text: str) -> ShardAnswer:
        """Read an answer."""
        return ShardAnswer(**json.loads(text))


def run_shard(text: str) -> str:
    """Screen a shard in this process; an error that the user can fix is part of the answer."""
    task = ShardTask(**json.loads(text))
    try:
        answer = ShardAnswer(stopped=_screen(Path(task.folder), task.threads))
    except FedbraggError as error:
        answer = ShardAnswer(problem=str(error))
    except OSError as error:
        answer = ShardAnswer(problem=f"{error.filename or task.folder}: {error.strerror or error}.")
    return json.dumps(asdict(answer))


def _screen(folder: Path, threads: int) -> int:
    """Screen a shard; return the signal that stopped it, 0 for none."""
    from fedbragg.screening import checkpoint
    from fedbragg.workflows.merge import screening_of
    from fedbragg.workflows.screen_shard import begin_shard, screen_shard

    record, found = _record(folder), checkpoint.load(folder)
    if found is None:
        raise InputError(f"{folder}: its checkpoint is gone. Start again without --resume.")
    with _command_folder(record):
        asked = screening_of(record.request, found.identity)
        screening = replace(asked, out=folder, threads=threads)
        run, session = begin_shard(record.request.paths, screening, record.shard, resume=True)
        return screen_shard(run, screening, session).stopped


def _record(folder: Path) -> ShardRecord:
    """Read the shard's record; refuse a folder that other nodes do not see, and another version."""
    from fedbragg.screening.shards.record import RECORD, load_record

    if not (folder / RECORD).exists():
        raise InputError(
            f"{folder.parent}: is not there on this node. --out must lie on a file system that all nodes share."
        )
    record = load_record(folder)
    if record.version != __version__:
        raise InputError(
            f"this node has version {__version__} of fedbragg, the command was given with {record.version}. "
            "Install the same version on all nodes."
        )
    return record


def _command_folder(record: ShardRecord) -> chdir[str]:
    """Work in the folder in which the command was given, where relative paths start."""
    if not Path(record.folder).is_dir():
        raise InputError(
            f"{record.folder}: is not there on this node. Give the command in a folder that all nodes share."
        )
    return chdir(record.folder)
