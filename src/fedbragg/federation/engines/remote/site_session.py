"""What the driver knows of each site: when it was heard of, what it is doing, what has travelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fedbragg.types import State


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRequest:
    """A model that a site is to train on."""

    name: str  # unique over all of a server's lives
    version: int
    epochs: int
    model: State


@dataclass(slots=True, eq=False)
class SiteSession:
    """One site, as its messages show it."""

    site: str
    life: str | None = None  # a number that the site's client drew when it started
    heard: float | None = None  # seconds on the driver's clock
    gone: bool = False
    in_transfer: bool = False  # a large model or update is on its way, and lets no sign of life past
    request: TrainingRequest | None = None
    version: int | None = None  # of its last update
    loss: float | None = None
    samples: int | None = None
    sent: int = 0  # bytes of models to the site
    received: int = 0  # bytes of updates from it
    trouble: str = ""  # the last thing that went wrong, in one line

    def hear(self, now: float, *, in_transfer: bool = False) -> None:
        """Note a word of the site; with ``in_transfer`` the next may take as long as a large message."""
        self.heard, self.in_transfer = now, in_transfer

    def row(self, now: float) -> dict[str, Any]:
        """Return the site as JSON."""
        return {
            "site": self.site,
            "doing": self._doing(),
            "silent": None if self.heard is None else round(now - self.heard, 1),
            "version": self.version,
            "loss": self.loss,
            "samples": self.samples,
            "sent": self.sent,
            "received": self.received,
            "trouble": self.trouble,
        }

    def _doing(self) -> str:
        if self.heard is None:
            return "awaited"
        if self.gone:
            return "gone"
        return "waiting" if self.request is None else f"training on {self.request.version}"
