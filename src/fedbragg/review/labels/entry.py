"""One line of the label journal: a person's label of a frame, or its withdrawal."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from datetime import datetime

from fedbragg.types import Label

Ticks = tuple[str, ...]
"""The answers that apply to an example; all others do not."""

Answer = Label | Ticks
"""A person's answer: one label of three, or any number of ticks."""

FrameKey = tuple[str, int | None]
"""File as the journal names it, and frame from 0; None for all frames of the file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A label that a person gave, or took back."""

    path: str  # as in labels.csv: below the table's folder relative to it, else absolute
    frame: int | None  # position in that file, from 0; None for all frames of the file
    label: Answer | None  # None takes back the person's latest label of this frame
    person: str
    time: str  # UTC, such as 2026-11-27T08:15:17+00:00
    model: str = ""  # SHA-256 of the model file; empty where none was used
    score: float | None = None  # the model's; None where the frame was not scored

    @property
    def key(self) -> FrameKey:
        """Return the frame that the entry is about."""
        return self.path, self.frame

    def to_line(self) -> str:
        """Return the entry as one line of JSON with its end."""
        values = asdict(self)
        values["label"] = UNDO if self.label is None else self.label  # a Label is a string
        return json.dumps(values) + "\n"

    @staticmethod
    def from_line(line: str) -> Entry:
        """Read an entry; raise ValueError if the line holds none. Unknown fields are ignored."""
        values = json.loads(line)
        if not isinstance(values, dict):
            raise ValueError("not an object")
        frame = values.get("frame")
        if not (frame is None or (type(frame) is int and frame >= 0)):
            raise ValueError("frame is not a number from 0")
        path, person, time = (_text(values, name) for name in ("path", "person", "time"))
        label = _answer(values)
        model, score = values.get("model"), values.get("score")
        known = isinstance(score, int | float) and math.isfinite(score)
        return Entry(
            path,
            frame,
            label,
            person,
            time,
            model if isinstance(model, str) else "",
            score if known else None,
        )


UNDO = "undo"
"""The label of an entry that takes one back."""


def _answer(values: dict[str, object]) -> Answer | None:
    found = values.get("label")
    if isinstance(found, list):
        if not all(isinstance(name, str) for name in found):
            raise ValueError("a tick is not text")
        return tuple(found)
    return None if found == UNDO else Label(_text(values, "label"))


def _text(values: dict[str, object], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is missing")
    if name == "time":
        datetime.fromisoformat(value)
    return value
