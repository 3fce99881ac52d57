"""A federation's barriers: combine the sites' reports into a model, keep the deadline, and decide which is the last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedbragg.federation import cohort, events
from fedbragg.federation.arrivals import UpdatedModel
from fedbragg.federation.commands import model_changed, save_checkpoint
from fedbragg.federation.ensemble import Refine
from fedbragg.federation.plan import Plan
from fedbragg.federation.roster import Roster
from fedbragg.federation.rules.apply import combine
from fedbragg.federation.site_memory import SiteMemory
from fedbragg.federation.versions import Versions
from fedbragg.types import State

FIRST = {"barrier": 0, "loss": None, "over": None}
"""The record before the first barrier."""


class Barriers:
    """Count the barriers passed, and keep the loss at the last one and the deadline of the next."""

    def __init__(
        self,
        plan: Plan,
        roster: Roster,
        versions: Versions,
        memory: SiteMemory,
        record: Mapping[str, Any] = FIRST,
        refine: Refine | None = None,
    ) -> None:
        """Continue from the ``record`` of a checkpoint; ``refine`` changes the model of each barrier."""
        self._plan, self._roster, self._versions, self._memory = plan, roster, versions, memory
        self.passed: int = record["barrier"]
        self.over: str | None = record["over"]  # why the federation ends, once that is known
        self._loss: float | None = record["loss"]  # mean over the sites at the last barrier
        self._refine = refine
        self._due = 0.0  # seconds on the engine's clock

    def set_deadline(self, now: float) -> events.SetDeadline:
        """Start the sites' full time to report for the next barrier."""
        self._due = now + self._plan.settings.deadline
        return events.SetDeadline(self.passed, self._plan.settings.deadline)

    def same_deadline(self, now: float) -> events.SetDeadline:
        """Set the next barrier's deadline again, after deadlines of another kind, with the time that is left of it."""
        return events.SetDeadline(self.passed, max(self._due - now, 0.0))

    def pass_with_reports(self) -> tuple[list[events.Command], float]:
        """Pass a barrier with all sites that have reported; return what to do, and the mean loss."""
        members, rejected = cohort.without_outliers(
            self._roster.reported(), self._plan, self._versions.number
        )
        start = self._versions.barrier_model
        weights = cohort.weights_at_barrier(self._roster, members, self._plan, start)
        if self._plan.combines_at_barriers:
            model: State = combine(start, cohort.steps_of(members), weights, self._plan.settings)
            model = self._memory.after_barrier(model, members)
            if self._refine is not None:
                model = self._refine(model, cohort.models_of(members, self._plan, start))
            self._versions.pass_barrier(model)
        self.passed += 1
        made = UpdatedModel(self._versions.newest, members, weights, ())
        changed = model_changed(self._versions, self.passed, made, at_barrier=True)
        return [*rejected, changed], cohort.mean_loss(members, weights)

    def note_loss(self, loss: float) -> events.SaveCheckpoint:
        """Find out whether the barrier just passed, with this mean loss, is the last; return the checkpoint to save."""
        fell_by = None if self._loss is None else self._loss - loss
        self._loss = loss
        self.over = self._plan.reason_to_end(self.passed, fell_by)
        progress = {"barrier": self.passed, "loss": loss, "over": self.over}
        return save_checkpoint(self._versions, self._roster, progress, self._memory.tensors)
