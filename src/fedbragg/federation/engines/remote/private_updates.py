"""A real site's part in differential privacy: each training is first entered in the site's record, or is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedbragg.config import Federation
from fedbragg.errors import FedbraggError, FederationError
from fedbragg.federation.engines.remote.site_config import Limits
from fedbragg.federation.privacy_ledger import Budget, Entry, PrivacyLedger, federation_budget
from fedbragg.federation.private_training import cost_of, private_terms, promise
from fedbragg.learn.settings import PrivateTerms

RECORD = "epsilon.json"
"""Every private training of this site, of all federations."""


class PrivateUpdates:
    """Count the epsilon that one site's updates have spent, and stop before a budget is exceeded."""

    def __init__(self, limits: Limits, folder: Path) -> None:
        self._limits, self._path = limits, folder / RECORD
        self._terms: PrivateTerms | None = None
        self._federation = ""
        self._budgets: list[Budget] = []
        self.epsilon: float | None = None  # spent in this federation; None where it is not private

    def enter(self, federation: str, settings: Mapping[str, Any]) -> str:
        """Prepare for a federation, and return its privacy promise; empty where it is not private.

        Raise FederationError where this site cannot take part.
        """
        self._terms, self._federation, self._budgets, self.epsilon = None, federation, [], None
        if not settings.get("privacy", {}).get("epsilon"):
            return ""
        known = Federation.model_validate(
            {**settings, "sites": [{"name": "this", "runs": ["-"], "labels": "-"}]}
        )
        try:
            self._terms = private_terms(known)
            ledger, text = PrivacyLedger(self._path), promise(known)
        except FedbraggError as error:
            raise FederationError(str(error)) from None
        self._budgets = [federation_budget(known, federation)]
        self.epsilon = ledger.spent(known.privacy.delta, federation)
        if not self._limits.epsilon:
            return text
        self._budgets.append(Budget(self._limits.epsilon, self._limits.delta, None, "this site's own limit"))
        spent = ledger.spent(self._limits.delta)
        return f"{text}; spent so far {spent:.3g} of {self._limits.epsilon:g}"

    def take(self, epochs: int) -> None:
        """Enter a training of some epochs; raise BudgetSpent where it would exceed a budget."""
        if self._terms is not None:
            entry = Entry(self._federation, cost_of(self._terms, epochs))
            self.epsilon = PrivacyLedger(self._path).take(entry, self._budgets)
