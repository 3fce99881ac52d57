"""The card in the healing network's model file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from fedbragg.models.onnx_file import card_values

FORMAT, TASK = 1, "healing"


@dataclass(frozen=True, slots=True)
class HealingCard:
    """A healing network's origin."""

    format: int = FORMAT
    task: str = TASK
    provenance: dict[str, Any] = field(default_factory=dict)  # how it was made

    def to_json(self) -> str:
        """Return the card as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> HealingCard:
        """Read a card; raise ValueError, KeyError or AttributeError for other text."""
        return cls(provenance=card_values(text, TASK, (FORMAT,))["provenance"])
