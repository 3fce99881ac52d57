"""How far a screening has come, on disk: the point from which ``--resume`` goes on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from fedbragg.errors import InputError
from fedbragg.files import write_whole

CHECKPOINT = "screening.json"
FORMAT = 2
REMEDY = "Start again without --resume, or give another --out."


@dataclass(frozen=True, slots=True)
class Identity:
    """What must be the same for a screening to be resumed."""

    run: str  # digest of the files' names and sizes
    frames: int  # in the whole run
    model: str  # digest of the model file
    threshold: float
    spots: bool  # whether the spots are listed
    fail_safe: bool  # whether everything is kept while the run is unlike the calibration
    geometry: str = ""  # digest of the geometry file; empty where there is none
    shard: str = ""  # such as 3/16; empty where the whole run is screened

    def changes(self, other: Identity) -> str:
        """Return in words what differs; empty where nothing does."""
        names = {
            "run": "the files",
            "frames": "the number of frames",
            "model": "the model",
            "threshold": "the threshold",
            "spots": "whether there is a --cxi",
            "fail_safe": "--fail-safe",
            "geometry": "--geometry",
            "shard": "--shard",
        }
        changed = [text for name, text in names.items() if getattr(self, name) != getattr(other, name)]
        return " and ".join(changed)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How much is on disk; files may be longer, and are cut when the screening is resumed."""

    identity: Identity
    done: int = 0  # frames whose verdicts are written
    seconds: float = 0.0  # spent on them
    sizes: dict[str, int] = field(default_factory=dict)  # bytes of each table that belong to these frames
    outputs: list[str] = field(default_factory=list)  # other files that this screening writes into the folder


def digest_of_files(files: Sequence[str]) -> str:
    """Return a digest of names and sizes; a missing file counts with size -1."""
    digest = hashlib.sha256()
    for file in files:
        try:
            size = os.stat(file).st_size  # noqa: PTH116  a run may be a hundred thousand files
        except OSError:
            size = -1
        digest.update(f"{file}\0{size}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint in a folder in one step."""
    write_whole(folder / CHECKPOINT, json.dumps({"format": FORMAT, **asdict(checkpoint)}, indent=1) + "\n")


def load(folder: Path) -> Checkpoint | None:
    """Return the checkpoint in a folder, None where there is none; raise InputError where it cannot be read."""
    path = folder / CHECKPOINT
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("format") != FORMAT:
            raise ValueError("another version of fedbragg wrote it")
        return Checkpoint(**{**values, "identity": Identity(**values["identity"])})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read ({error}). {REMEDY}") from None


def start_over(folder: Path, identity: Identity) -> Checkpoint:
    """Return an empty checkpoint, and remove the files that an earlier screening wrote into the folder."""
    for path in _files_of_last_screening(folder):
        path.unlink(missing_ok=True)
    return Checkpoint(identity)


def _files_of_last_screening(folder: Path) -> list[Path]:
    """Return the files that the folder's checkpoint lists; none where it cannot be read."""
    try:
        found = load(folder)
    except InputError:
        return []
    names = [*found.outputs, *found.sizes] if found else []
    return [path for path in ((folder / name).resolve() for name in names) if path.parent == folder.resolve()]


def add_outputs(folder: Path, paths: Sequence[Path]) -> None:
    """List files in the checkpoint before they are written beside the tables."""
    found = load(folder)
    if found is not None:
        names = [path.name for path in paths if path.resolve().parent == folder.resolve()]
        save(folder, replace(found, outputs=sorted({*found.outputs, *names})))


def resume(folder: Path, identity: Identity) -> Checkpoint:
    """Return the checkpoint in a folder, an empty one where there is none; raise InputError where it does not fit."""
    found = load(folder)
    if found is None:
        return Checkpoint(identity)
    changed = found.identity.changes(identity)
    if changed:
        raise InputError(f"{folder}: cannot be resumed, because {changed} changed. {REMEDY}")
    check_tables(folder, found)
    return found


def check_tables(folder: Path, checkpoint: Checkpoint, remedy: str = REMEDY) -> None:
    """Raise InputError where a folder's tables hold less than its checkpoint says."""
    for name, size in checkpoint.sizes.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size < size:
            raise InputError(f"{path}: missing, or shorter than it was. {remedy}")
