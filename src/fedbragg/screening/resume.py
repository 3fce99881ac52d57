"""How far a screening has come, on disk: what ``--resume`` goes on from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from fedbragg.errors import InputError
from fedbragg.files import write_whole

STATE = "screening.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Identity:
    """What two parts of one screening must share."""

    run: str  # digest of the files' names and sizes
    frames: int  # in the whole run
    model: str  # digest of the model file
    threshold: float
    spots: bool  # whether the spots are listed too
    fail_safe: bool  # whether everything is kept while the run is unlike the calibration

    def differs(self, other: Identity) -> str:
        """Return what is not the same, in the user's words; empty where all is."""
        names = {"run": "the files", "frames": "the number of frames", "model": "the model"}
        names |= {
            "threshold": "the threshold",
            "spots": "whether there is a --cxi",
            "fail_safe": "--fail-safe",
        }
        changed = [text for name, text in names.items() if getattr(self, name) != getattr(other, name)]
        return " and ".join(changed)


@dataclass(frozen=True, slots=True)
class Progress:
    """What is on disk; the files may hold more, which is cut off when the screening goes on."""

    identity: Identity
    done: int = 0  # frames whose verdicts are written
    seconds: float = 0.0  # spent on them
    sizes: dict[str, int] = field(default_factory=dict)  # bytes of each file of results
    outputs: list[str] = field(default_factory=list)  # other files in the folder that this screening made


def digest_of_files(files: Sequence[str]) -> str:
    """Return a digest of names and sizes; a file that is missing has none."""
    digest = hashlib.sha256()
    for file in files:
        try:
            size = os.stat(file).st_size  # noqa: PTH116  a run may be a hundred thousand files
        except OSError:
            size = -1
        digest.update(f"{file}\0{size}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def save(folder: Path, progress: Progress) -> None:
    """Write the state in one step: a reader sees the old or the new."""
    write_whole(folder / STATE, json.dumps({"format": FORMAT, **asdict(progress)}, indent=1) + "\n")


def load(folder: Path) -> Progress | None:
    """Return the state in a folder, None where there is none; raise InputError where it cannot be read."""
    path = folder / STATE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("format") != FORMAT:
            raise ValueError("another version of fedbragg wrote it")
        return Progress(**{**values, "identity": Identity(**values["identity"])})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: cannot be read ({error}). Screen anew without --resume, or give another --out."
        ) from None


def start_anew(folder: Path, wanted: Identity) -> Progress:
    """Return a beginning; what an earlier screening left in the folder is removed, and nothing else."""
    for path in _left_in(folder):
        path.unlink(missing_ok=True)
    return Progress(wanted)


def _left_in(folder: Path) -> list[Path]:
    """Return the files that a screening in a folder has made there; none where its state is no good."""
    try:
        found = load(folder)
    except InputError:
        return []
    names = [*found.outputs, *found.sizes] if found else []
    return [path for path in ((folder / name).resolve() for name in names) if path.parent == folder.resolve()]


def add_outputs(folder: Path, paths: Sequence[Path]) -> None:
    """Note files that a screening is about to make beside its tables."""
    found = load(folder)
    if found is not None:
        names = [path.name for path in paths if path.resolve().parent == folder.resolve()]
        save(folder, replace(found, outputs=sorted({*found.outputs, *names})))


def to_resume(folder: Path, wanted: Identity) -> Progress:
    """Return where to go on from, the beginning where nothing is; raise InputError where that cannot be."""
    found = load(folder)
    if found is None:
        return Progress(wanted)
    changed = found.identity.differs(wanted)
    if changed:
        raise InputError(
            f"{folder}: its screening cannot go on, for {changed} changed. Screen anew without --resume, "
            "or give another --out."
        )
    for name, size in found.sizes.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size < size:
            raise InputError(
                f"{path}: missing, or shorter than it was. Screen anew without --resume, or give another --out."
            )
    return found
