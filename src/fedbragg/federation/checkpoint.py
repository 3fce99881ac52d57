"""A federation on disk as of its last barrier: tensors as safetensors, the rest as JSON.

``model-NNNN.safetensors`` is written first. Then ``checkpoint.json``, which names it, replaces the previous one in
one step. So the folder always holds a complete checkpoint, whenever the process dies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from fedbragg.config import Federation
from fedbragg.config.old_settings import as_version_0_1
from fedbragg.errors import FederationError
from fedbragg.federation.tensors import encode_tensors, read_tensors
from fedbragg.files import write_whole
from fedbragg.types import State

RECORD = "checkpoint.json"
FORMAT = 1
MEMORY = "memory:"
"""Prefix of remembered tensors' names in a checkpoint's file."""


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """The content of a checkpoint."""

    model: State
    record: dict[str, Any]  # the coordinator's state, as Coordinator takes it
    history: list[dict[str, Any]]
    time: float  # seconds on the engine's clock
    finished: str | None = None  # why the federation ended, if it has
    memory: State = field(default_factory=dict)  # the rule's memory of the sites


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
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"model-{saved.record['barrier']:04d}.safetensors"
        write_whole(self.folder / name, encode_tensors(_whole(saved)), durable=True)
        content = {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "model": name,
            "time": saved.time,
            "finished": saved.finished,
            "record": saved.record,
            "history": saved.history,
        }
        write_whole(self.folder / RECORD, json.dumps(content, indent=1), durable=True)
        for old in self.folder.glob("model-*.safetensors"):
            if old.name != name:
                old.unlink()

    def load(self) -> Saved | None:
        """Return the checkpoint, None where there is none; raise FederationError for another federation's."""
        if not self.exists:
            return None
        path = self.folder / RECORD
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["fingerprint"] != self.fingerprint:
            raise FederationError(
                f"{path}: belongs to a federation with other settings, sites or model. "
                "Give another folder, or remove this one to start again."
            )
        tensors = read_tensors(self.folder / content["model"])
        memory = {n.removeprefix(MEMORY): t for n, t in tensors.items() if n.startswith(MEMORY)}
        model = {name: tensor for name, tensor in tensors.items() if not name.startswith(MEMORY)}
        return Saved(
            model, content["record"], content["history"], content["time"], content["finished"], memory
        )


def _whole(saved: Saved) -> State:
    return {**saved.model, **{MEMORY + name: tensor for name, tensor in saved.memory.items()}}


def fingerprint(
    settings: Federation, names: Sequence[str], initial: State, networks: Mapping[str, str] | None = None
) -> str:
    """Return a hash that identifies a federation: its settings, sites, and the names and shapes of its tensors.

    ``networks`` names each site's network, where they differ.
    """
    # As version 0.1 wrote them, so that a checkpoint from before a key was renamed can still be resumed.
    excluded: Any = {"federation": {"workers", "engine"}, "server": True, "sites": True}
    private = {"epsilon", "delta", "sampling_rate", "gradient_clip"}
    if not settings.privacy.private:
        excluded |= {"privacy": private if settings.privacy.secure else True}
    dumped = settings.model_dump(mode="json", exclude=excluded)
    table = as_version_0_1(dumped) | ({"privacy": dumped["privacy"]} if "privacy" in dumped else {})
    text = to_json(table, inf_nan_mode="null").decode()
    tensors = [f"{name} {tensor.dtype} {tensor.shape}" for name, tensor in sorted(initial.items())]
    runs = [f"{site} runs {network}" for site, network in sorted((networks or {}).items())]
    return hashlib.sha256("\n".join([text, *names, *tensors, *runs]).encode()).hexdigest()
