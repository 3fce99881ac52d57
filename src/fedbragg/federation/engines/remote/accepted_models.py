"""The models that a real site has accepted: the best score so far, and the newest model; both outlive a restart."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from fedbragg.federation.engines.remote.site_config import Limits
from fedbragg.federation.engines.remote.worker_messages import Event, ModelAccepted
from fedbragg.federation.veto import Standard
from fedbragg.files import write_whole

RECORD, MODEL = "accepted.json", "accepted.safetensors"


class AcceptedModels:
    """Keep a site's standard in one federation, where [limits] largest_fall sets one."""

    def __init__(self, limits: Limits, folder: Path) -> None:
        self._largest_fall, self._folder = limits.largest_fall, folder
        self._federation = ""
        self.standard: Standard | None = None

    def enter(self, federation: str) -> None:
        """Load the standard of a federation, or begin a new one."""
        self._federation = federation
        if self._largest_fall is None:
            return
        path = self._folder / RECORD
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        best = known.get("best") if known.get("federation") == federation else None
        self.standard = Standard(self._largest_fall, best)

    def note(self, event: Event, model: Path) -> None:
        """Keep a model that the worker has accepted, and its score."""
        if self.standard is None or not isinstance(event, ModelAccepted):
            return
        self.standard.take(event.score)
        shutil.copyfile(model, self._folder / MODEL)
        record = {"federation": self._federation, "best": self.standard.best}
        write_whole(self._folder / RECORD, json.dumps(record))

    @property
    def otherwise(self) -> tuple[Path, float | None] | None:
        """Return the newest accepted model and the score below which to use it; None where none was judged."""
        if self.standard is None or self.standard.best is None:
            return None
        return self._folder / MODEL, self.standard.least
