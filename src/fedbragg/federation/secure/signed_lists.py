"""One list of survivors for each model: a second, different one would let the server subtract two sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class SignedLists(Protocol):
    """The lists that a site has signed, by the model that its update started from."""

    def signed_for(self, model: str) -> tuple[str, ...] | None:
        """Return the list signed for a model, by the model's SHA-256; None where there is none."""
        ...

    def add(self, model: str, survivors: Sequence[str]) -> None:
        """Remember a list, before its signature leaves the site."""
        ...


class ListsInMemory:
    """Lists for as long as the process lives, for sites that are simulated."""

    def __init__(self) -> None:
        self._lists: dict[str, tuple[str, ...]] = {}

    def signed_for(self, model: str) -> tuple[str, ...] | None:
        """Return the list signed for a model, None where there is none."""
        return self._lists.get(model)

    def add(self, model: str, survivors: Sequence[str]) -> None:
        """Remember a list."""
        self._lists[model] = tuple(survivors)
