"""The card in a model file of the tags task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fedbragg.models.onnx_file import card_values
from fedbragg.tasks.tags.prepare import CELLS, FAINT, SCALE

FORMATS = {1: 3, 2: 4}
"""Channels of a view that a model reads, by the format of its card."""
FORMAT = 2
TASK = "tags"


@dataclass(frozen=True, slots=True)
class TagCard:
    """The tags that a model gives, and the preparation of its images."""

    names: tuple[str, ...]
    threshold: float = 0.5  # probability from which an image counts as tagged
    provenance: Mapping[str, Any] = field(default_factory=dict)
    channels: int = FORMATS[FORMAT]  # of a view, those that the model reads

    @property
    def task(self) -> str:
        """Return the task's name."""
        return TASK

    def to_json(self) -> str:
        """Return the card as one line of JSON."""
        return json.dumps(
            {"format": FORMAT, "task": TASK, "names": self.names, "threshold": self.threshold}
            | {"prepare": prepared_as(), "provenance": dict(self.provenance)}
        )

    @staticmethod
    def from_json(text: str) -> TagCard:
        """Read a card; raise ValueError, KeyError, TypeError or AttributeError for other text."""
        values = card_values(text, TASK, FORMATS)
        if values["prepare"] != prepared_as():
            raise ValueError("written by another version of fedbragg")
        names, threshold = tuple(map(str, values["names"])), float(values["threshold"])
        return TagCard(names, threshold, values["provenance"], FORMATS[values["format"]])


def prepared_as() -> dict[str, float]:
    """Return the settings that decide how an image becomes a view."""
    return {"cells": CELLS, "faint": FAINT, "scale": SCALE}
