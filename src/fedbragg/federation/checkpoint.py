"""A federation on disk as of its last barrier: tensors as safetensors, the rest as JSON.

``model-NNNN.safetensors`` is written first. Then ``checkpoint.json``, which names it, replaces the former
one in one step. So there is always one complete checkpoint, whenever the process dies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedbragg.errors import FederationError
from fedbragg.files import write_whole
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


@dataclass(frozen=True, slots=True)
class CheckpointStore:
    """The folder that holds a federation's checkpoint."""

    folder: Path
    fingerprint: str  # identifies the federation

    @property
    def exists(self) -> bool:
        """Return whether the folder holds a checkpoint."""
        return (self.folder / RECORD).exists()

    def save(self, saved: Saved) -> None:
        """Replace the folder's checkpoint."""
        from safetensors.numpy import save

        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"model-{saved.record['barrier']:04d}.safetensors"
        # Not ascontiguousarray, which turns a tensor without dimensions into one of shape (1,).
        tensors = {key: np.asarray(tensor, order="C") for key, tensor in saved.model.items()}
        write_whole(self.folder / name, save(tensors), durable=True)
        content = {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "model": name,
            "time": saved.time,
            "finished": saved.finished,
            "record": saved.record,
            "history": saved.history,
        }
        write_whole(self.folder / RECORD, json.dumps(content, indent=1).encode(), durable=True)
        for old in self.folder.glob("model-*.safetensors"):
            if old.name != name:
                old.unlink()

    def load(self) -> Saved | None:
        """Return the checkpoint, None where there is none; raise FederationError for another federation's."""
        from safetensors.numpy import load_file

        if not self.exists:
            return None
        path = self.folder / RECORD
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["fingerprint"] != self.fingerprint:
            raise FederationError(
                f"{path}: belongs to a federation with other settings, sites or model. "
                "Give another folder, or remove this one to start again."
            )
        model = load_file(self.folder / content["model"])
        return Saved(model, content["record"], content["history"], content["time"], content["finished"])
