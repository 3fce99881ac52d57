"""Barriers apart from a coordinator: the model of the reports, deadlines, and the end."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.config import FederationSettings
from fedbragg.federation.barriers import FIRST, Barriers
from fedbragg.federation.events import ModelChanged
from fedbragg.federation.plan import Plan
from fedbragg.federation.roster import Roster
from fedbragg.federation.site_memory import SiteMemory
from fedbragg.federation.versions import Versions
from fedbragg.types import Update


def barriers(record=FIRST, **rules) -> tuple[Barriers, Roster, Versions]:
    rules = {"aggregation": "fedavg", "schedule": "sync", "barriers": 2, "deadline": 0.3, **rules}
    plan = Plan(FederationSettings(**rules), warmup_epochs=1, epochs=1, seed=1)
    roster, versions = Roster(["a", "b"]), Versions({"w": np.zeros(2)})
    return Barriers(plan, roster, versions, SiteMemory(plan, roster, {}), record), roster, versions


def report(roster: Roster, site: str, step: float, samples: int, loss: float) -> None:
    member = roster[site]
    tensors = {"w": np.full(2, step)}
    member.take(Update(site, 0, tensors, samples, ((samples, 0),), loss), length=abs(step))
    member.latest = tensors


def test_a_barrier_s_model_and_loss_are_the_means_by_size() -> None:
    passing, roster, versions = barriers()
    report(roster, "a", step=1.0, samples=10, loss=0.2)
    report(roster, "b", step=5.0, samples=30, loss=1.0)
    (changed,), loss = passing.pass_with_reports()
    assert isinstance(changed, ModelChanged)
    assert (changed.barrier, changed.at_barrier) == (1, True)
    assert versions.barrier_model["w"].tolist() == [4.0, 4.0]  # (10 * 1 + 30 * 5) / 40
    assert loss == pytest.approx((10 * 0.2 + 30 * 1.0) / 40)


def test_the_last_barrier_ends_the_federation_also_after_a_restart() -> None:
    first, _, _ = barriers()
    first.passed = 1
    assert first.note_loss(0.5).record["over"] is None
    again, _, _ = barriers(record={"barrier": 1, "loss": 0.5, "over": None})
    again.passed = 2
    assert again.note_loss(0.4).record["over"] == again.over == "all 2 barriers passed"


def test_a_loss_that_falls_too_little_ends_the_federation() -> None:
    passing, _, _ = barriers(barriers=9, stop_threshold=0.1)
    passing.passed = 1
    passing.note_loss(0.50)
    assert passing.over is None
    passing.note_loss(0.45)
    assert passing.over is not None


def test_a_new_deadline_is_the_whole_one_and_the_same_one_what_is_left() -> None:
    passing, _, _ = barriers()
    assert passing.set_deadline(now=0.1).seconds == 0.3  # exactly, not 0.1 + 0.3 - 0.1
    assert passing.same_deadline(now=0.3).seconds == pytest.approx(0.1)
    assert passing.same_deadline(now=9.0).seconds == 0.0
