"""What the healing network's model file says of itself."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class HealingCard:
    """A healing network's origin."""

    task: str = "healing"
    provenance: dict[str, Any] = field(default_factory=dict)  # how it was made

    def to_json(self) -> str:
        """Return the card as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> HealingCard:
        """Read a card; raise ValueError where the file is for something else."""
        card = json.loads(text)
        if card.get("task") != "healing":
            raise ValueError(f"it is for {card.get('task', 'hits')}, not for healing")
        return cls(card["task"], card["provenance"])
