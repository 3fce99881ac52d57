"""A site's record of the epsilon its updates have spent: each private training is entered before it begins, or refused.

The record counts trainings, not updates that arrived, and outlives a restart: a site cannot know whether the server
used an update. So it may overstate the privacy loss, never understate it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fedbragg.config import Federation
from fedbragg.errors import BudgetSpent, FederationError
from fedbragg.federation.private_training import cost_of, private_terms
from fedbragg.federation.trainer import ChangedTrainer, Trainer
from fedbragg.files import write_whole
from fedbragg.learn.accounting import SampledNoise, epsilon_of
from fedbragg.types import State, Update

SLACK = 1e-6
"""Relative rounding of an epsilon."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One private training."""

    federation: str
    cost: SampledNoise


@dataclass(frozen=True, slots=True)
class Budget:
    """The largest epsilon that trainings may cost; a federation's own, or the site's for all federations."""

    epsilon: float
    delta: float
    federation: str | None  # whose trainings count; None for all
    name: str  # where it is set: "[privacy] epsilon of the federation", "this site's own limit"


class PrivacyLedger:
    """The epsilon that a site has spent, in memory or in a file."""

    def __init__(self, path: Path | None = None) -> None:
        """Continue the record of a file; raise FederationError where it cannot be read."""
        self._path = path
        self._entries = _read(path) if path is not None and path.exists() else []

    def take(self, entry: Entry, budgets: Sequence[Budget]) -> float:
        """Enter a training, and return the epsilon of the first budget after it; raise BudgetSpent where one is passed.

        With a file, the entry is on the disk when this returns.
        """
        after = [*self._entries, entry]
        spent = [_cost(after, budget) for budget in budgets]
        for budget, epsilon in zip(budgets, spent, strict=True):
            if epsilon > budget.epsilon * (1 + SLACK):
                raise BudgetSpent(
                    f"epsilon would be {epsilon:.3g} after this training, and {budget.name} is {budget.epsilon:g}"
                )
        self._entries = after
        if self._path is not None:
            write_whole(self._path, json.dumps([_as_dict(kept) for kept in after], indent=1), durable=True)
        return spent[0] if spent else 0.0

    def spent(self, delta: float, federation: str | None = None) -> float:
        """Return the epsilon of one federation's trainings, or of all."""
        return _cost(self._entries, Budget(0.0, delta, federation, ""))


def _cost(entries: Sequence[Entry], budget: Budget) -> float:
    counted = [e.cost for e in entries if budget.federation in (None, e.federation)]
    return epsilon_of(counted, budget.delta)


def _as_dict(entry: Entry) -> dict[str, object]:
    return {"federation": entry.federation, **asdict(entry.cost)}


def _read(path: Path) -> list[Entry]:
    try:
        lines = json.loads(path.read_text(encoding="utf-8"))
        return [
            Entry(
                str(line["federation"]),
                SampledNoise(float(line["rate"]), float(line["noise"]), int(line["steps"])),
            )
            for line in lines
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FederationError(
            f"{path}: the record of spent epsilon cannot be read ({error}). Restore it from a copy; without it this "
            "site cannot train privately."
        ) from None


def within_budget(settings: Federation, trainer: Trainer) -> Trainer:
    """Return a trainer that keeps to the epsilon of the settings, the trainer itself where they have none."""
    terms = private_terms(settings)
    if terms is None:
        return trainer
    ledger, budget = PrivacyLedger(), federation_budget(settings, trainer.name)

    def train(trainer: Trainer, model: State, version: int, epochs: int) -> Update:
        """Enter the training, then train; raise BudgetSpent where it would cost too much."""
        ledger.take(Entry(trainer.name, cost_of(terms, epochs)), [budget])
        return trainer.train(model, version, epochs)

    return ChangedTrainer(trainer, train)


def federation_budget(settings: Federation, federation: str) -> Budget:
    """Return the epsilon that a federation promises."""
    privacy = settings.privacy
    return Budget(privacy.epsilon, privacy.delta, federation, "[privacy] epsilon of the federation")
