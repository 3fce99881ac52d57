"""What a shard's folder says about itself: which part of which run, and what was asked of the whole screening."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from fedbragg.errors import InputError
from fedbragg.files import write_whole
from fedbragg.screening.shards.shard import Shard

RECORD = "shard.json"
FORMAT = 1
REMEDY = "Give the folders of `fedbragg screen --shard`."


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked of the whole screening, as it was given; merging does it. Empty where it was not given."""

    paths: tuple[str, ...]
    model: str  # path; empty is the packaged one
    geometry: str = ""
    panels: bool = False
    grid: str = ""
    snake: bool = False
    table: str = ""
    nxmx: str = ""
    cxi: str = ""
    copy: bool = False

    def changes(self, other: Request) -> list[str]:
        """Return the options that differ; paths, model and geometry are compared by their content elsewhere."""
        options = ("panels", "grid", "snake", "table", "nxmx", "cxi", "copy")
        return [f"--{name}" for name in options if getattr(self, name) != getattr(other, name)]


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """Which part of which screening a folder holds."""

    shard: Shard
    frames: int  # in the whole run
    request: Request
    folder: str  # in which the command was given, and from which relative paths lead
    version: str  # of fedbragg

    @property
    def positions(self) -> range:
        """Return the positions in the run of the shard's frames."""
        return self.shard.positions(self.frames)


def save_record(folder: Path, record: ShardRecord) -> None:
    """Write a shard's record into its folder; raise InputError where it cannot be written."""
    positions = record.positions
    values = {"format": FORMAT, "first": positions.start, "stop": positions.stop, **asdict(record)}
    try:
        write_whole(folder / RECORD, json.dumps(values, indent=1) + "\n")
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror}). Give another --out.") from None


def load_record(folder: Path) -> ShardRecord:
    """Read a shard's record; raise InputError where the folder holds none, or one that cannot be read."""
    path = folder / RECORD
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            raise ValueError("another version of fedbragg wrote it")
        asked = {**values["request"], "paths": tuple(values["request"]["paths"])}
        return ShardRecord(
            Shard(**values["shard"]), values["frames"], Request(**asked), values["folder"], values["version"]
        )
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{folder}: holds no shard. {REMEDY}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read ({error}). Screen this shard again.") from None
