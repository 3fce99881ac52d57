"""Models of barriers that sites refuse: when one is withdrawn, and when the federation ends over it."""

from __future__ import annotations

from collections.abc import Sequence

from fedbragg.federation import events
from fedbragg.federation.plan import Plan
from fedbragg.federation.roster import Roster, Standing
from fedbragg.federation.versions import Versions


class Withdrawals:
    """Count refusals, and go back to the model of the barrier before."""

    def __init__(self, plan: Plan, roster: Roster, versions: Versions) -> None:
        self._plan, self._roster, self._versions = plan, roster, versions
        self._in_a_row = 0

    @property
    def refusing(self) -> Sequence[str]:
        """Return the sites that have refused a model since the last barrier."""
        return [
            member.name for member in self._roster if member.refused and member.standing is not Standing.GONE
        ]

    @property
    def due(self) -> bool:
        """Return whether most of the sites drawn for this barrier refuse its model."""
        asked = [m for m in self._roster if m.chosen and m.standing is not Standing.GONE]
        return 2 * len(self.refusing) > len(asked)

    def barrier_passed(self) -> None:
        """Note that sites have trained on the barrier's model, call it before the next replaces it."""
        if self._versions.before is not None:  # else the round has begun on a model that was accepted before
            self._in_a_row = 0

    def withdraw(self) -> tuple[list[events.Command], str | None]:
        """Go back one barrier; return the commands, and why the federation ends where it does."""
        sites = tuple(self.refusing)
        if not self._versions.go_back():
            return [], f"{', '.join(sites)} refuse the model, and there is no earlier one"
        self._in_a_row += 1
        new = self._versions
        commands: list[events.Command] = [events.ModelWithdrawn(new.number, new.newest, sites)]
        if self._in_a_row < self._plan.settings.patience:
            return commands, None
        return (
            commands,
            f"the models of {self._in_a_row} barriers in a row were refused, the last by {', '.join(sites)}",
        )
