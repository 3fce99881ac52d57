"""A federation on disk as of its last barrier: tensors as safetensors, the rest as JSON.

``model-NNNN.safetensors`` is written first, then ``checkpoint.json``, which names it, takes the place of
the former one in a single step: whenever the process dies, a whole checkpoint is there.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedbragg.errors import FederationError
from fedbragg.types import State

RECORD = "checkpoint.json"
FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """What a checkpoint holds."""

    model: State
    record: dict[str, Any]  # the coordinator's
    history: list[dict[str, Any]]
    time: float  # on the engine's clock
    finished: str | None = None  # why the federation ended, if it has


def save(folder: Path, saved: Saved, fingerprint: str) -> None:
    """Replace the folder's checkpoint; ``fingerprint`` tells federations apart."""
    from safetensors.numpy import save as packed

    folder.mkdir(parents=True, exist_ok=True)
    name = f"model-{saved.record['barrier']:04d}.safetensors"
    _write(folder / name, packed({key: np.ascontiguousarray(tensor) for key, tensor in saved.model.items()}))
    content = {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "model": name,
        "time": saved.time,
        "finished": saved.finished,
        "record": saved.record,
        "history": saved.history,
    }
    _write(folder / RECORD, json.dumps(content, indent=1).encode())
    for old in folder.glob("model-*.safetensors"):
        if old.name != name:
            old.unlink()


def load(folder: Path, fingerprint: str) -> Saved | None:
    """Return the folder's checkpoint, None where there is none; raise FederationError for another's."""
    from safetensors.numpy import load_file

    path = folder / RECORD
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["format"] != FORMAT or content["fingerprint"] != fingerprint:
        raise FederationError(
            f"{path}: belongs to a federation with other settings, sites or model. "
            "Give another folder, or remove this one to start anew."
        )
    model = load_file(folder / content["model"])
    return Saved(model, content["record"], content["history"], content["time"], content["finished"])


def _write(path: Path, content: bytes) -> None:
    part = path.with_suffix(path.suffix + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
