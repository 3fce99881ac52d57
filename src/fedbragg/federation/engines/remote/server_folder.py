"""The files of the one federation that a server holds."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedbragg.config import Federation
from fedbragg.files import write_whole


@dataclass(frozen=True, slots=True)
class ServerFolder:
    """A server's folder, from which a restarted server resumes."""

    path: Path

    @property
    def settings(self) -> Path:
        """Return the file that names the federation and holds its settings."""
        return self.path / "federation.json"

    @property
    def start_model(self) -> Path:
        """Return the file of the start model, a safetensors document."""
        return self.path / "start.safetensors"

    @property
    def checkpoints(self) -> Path:
        """Return the folder of the checkpoint."""
        return self.path / "checkpoints"

    def create(self, settings: Federation) -> str:
        """Replace all files by those of a new federation and return its name."""
        shutil.rmtree(self.path, ignore_errors=True)
        name = os.urandom(6).hex()
        self.write(name, settings)
        return name

    def write(self, name: str, settings: Federation) -> None:
        """Write the name and settings of a federation; its other files stay."""
        self.path.mkdir(parents=True, exist_ok=True)
        record = {"name": name, "settings": without_paths(settings)}
        write_whole(self.settings, json.dumps(record, indent=1))

    def read(self) -> tuple[str, Federation] | None:
        """Return the name and settings of the federation in the folder, None where there is none."""
        if not self.settings.exists():
            return None
        record = json.loads(self.settings.read_text(encoding="utf-8"))
        return record["name"], Federation.model_validate(record["settings"])


def without_paths(settings: Federation) -> dict[str, Any]:
    """Return settings as JSON, without the sites' paths."""
    excluded: dict[str, Any] = {"sites": {"__all__": {"runs", "labels"}}}
    if not settings.privacy.asked:  # a server of an earlier version does not know the section
        excluded["privacy"] = True
    table = settings.model_dump(mode="json", exclude=excluded)
    for site in table["sites"]:
        if not site["network"]:  # nor this key
            del site["network"]
    return table
