"""The card in a model file of the segments task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fedbragg.models.onnx_file import card_values
from fedbragg.tasks.segments.instances import Classes
from fedbragg.tasks.segments.prepare import CLIPPED, HIGHEST, LOWEST

FORMAT = 1
TASK = "segments"


@dataclass(frozen=True, slots=True)
class SegmentCard:
    """The classes of a model, and the preparation of its pictures."""

    classes: Classes
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """Return the task's name."""
        return TASK

    def to_json(self) -> str:
        """Return the card as one line of JSON."""
        return json.dumps(
            {"format": FORMAT, "task": TASK, "names": self.classes.names, "boundary": self.classes.boundary}
            | {"prepare": prepared_as(), "provenance": dict(self.provenance)}
        )

    @staticmethod
    def from_json(text: str) -> SegmentCard:
        """Read a card; raise ValueError, KeyError, TypeError or AttributeError for other text."""
        values = card_values(text, TASK, (FORMAT,))
        if values["prepare"] != prepared_as():
            raise ValueError("written by another version of fedbragg")
        classes = Classes(tuple(map(str, values["names"])), str(values["boundary"]))
        return SegmentCard(classes, values["provenance"])


def prepared_as() -> dict[str, float]:
    """Return the settings that decide how a picture is prepared."""
    return {"lowest": LOWEST, "highest": HIGHEST, "clipped": CLIPPED}
