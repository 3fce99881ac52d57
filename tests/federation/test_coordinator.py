"""The coordinator over random orders of events, beside a few told by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from fedbragg.config import FederationSettings
from fedbragg.federation.coordinator import Coordinator
from fedbragg.federation.events import (
    Abandon,
    Checkpoint,
    Command,
    DeadlinePassed,
    Event,
    Finish,
    ModelChanged,
    Reject,
    SendModel,
    SetDeadline,
    SiteFailed,
    SiteJoined,
    SiteLeft,
    Started,
    UpdateArrived,
)
from fedbragg.federation.plan import Plan
from fedbragg.types import Update

START = {"w": np.zeros(2), "count": np.array(0, dtype=np.int64)}


def coordinator(sites: int = 3, **rules) -> Coordinator:
    rules = {"barriers": 1000, "patience": 3, "aggregation": "fedavg", **rules}
    plan = Plan(FederationSettings(**rules), warmup_epochs=15, epochs=5, seed=1)
    return Coordinator(plan, [f"s{number}" for number in range(sites)], START)


def update(command: SendModel, value: float = 1.0, samples: int = 10, loss: float = 1.0) -> Update:
    tensors = {"w": np.full(2, value), "count": np.array(2, dtype=np.int64)}
    return Update(command.site, command.version, tensors, samples, ((samples // 2, samples // 2),), loss)


def of_kind(commands: list[Command], kind: type) -> list:
    return [command for command in commands if isinstance(command, kind)]


@dataclass
class Driver:
    """Hands events over and keeps what the coordinator bade."""

    coordinator: Coordinator
    sent: dict[str, SendModel] = field(default_factory=dict)  # what each site is training on
    everything: list[SendModel] = field(default_factory=list)
    newest: ModelChanged | None = None

    def tell(self, event: Event) -> list[Command]:
        commands = self.coordinator.handle(event)
        for command in commands:
            match command:
                case SendModel(site):
                    self.sent[site] = command
                    self.everything.append(command)
                case Abandon(site):
                    self.sent.pop(site, None)
                case ModelChanged():
                    self.newest = command
        return commands

    def start(self) -> Driver:
        self.tell(Started())
        for member in list(self.coordinator.roster):
            self.tell(SiteJoined(member.name))
        return self


ACTIONS = ["report", "report", "report", "report", "repeat", "nan", "fail", "leave", "join", "deadline"]
scripts = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 3), st.floats(0.5, 1.5)), max_size=60)
schedules = st.sampled_from(["sync", "async", "hybrid"])


class Reference:
    """Who is live and who has reported, kept apart from the coordinator and by the documented rules only."""

    def __init__(self, sites: list[str]) -> None:
        self.live = set(sites)  # awaited unless reported
        self.resting: set[str] = set()  # until the next barrier
        self.reported: set[str] = set()
        self.failures = dict.fromkeys(sites, 0)
        self.overdue: dict[str, int] = {}

    def join(self, site: str) -> None:
        self.live.add(site)
        self.resting.discard(site)
        self.failures[site] = 0

    def fail(self, site: str) -> None:
        self.live.discard(site)
        self.failures[site] += 1
        self.resting.discard(site)
        if self.failures[site] < 3:
            self.resting.add(site)

    def due(self) -> bool:
        return bool(self.reported) and self.live <= self.reported

    def passed(self) -> None:
        self.live |= self.resting
        self.resting, self.reported = set(), set()


@given(schedule=schedules, script=scripts)
@effort(max_examples=200, deadline=None)
def test_any_order_of_events_keeps_the_promises(schedule: str, script: list[tuple[str, int, float]]) -> None:
    driver = Driver(coordinator(4, schedule=schedule)).start()
    reference = Reference([f"s{number}" for number in range(4)])
    counted: set[tuple[str, int]] = set()
    for action, number, value in script:
        if driver.coordinator.finished:
            break
        site = f"s{number}"
        play(driver, reference, counted, (action, site, value))


def play(driver: Driver, reference: Reference, counted: set, step: tuple[str, str, float]) -> None:
    action, site, value = step
    before, barrier = driver.coordinator.versions.newest, driver.coordinator.barrier
    working = driver.sent.get(site)
    if action in ("report", "nan") and working is None:
        return
    if action == "report":
        commands = driver.tell(UpdateArrived(update(working, value)))
        if driver.sent.get(site) is working:
            del driver.sent[site]
        assert not of_kind(commands, Reject)
        assert (site, working.version) not in counted  # no update is counted twice
        counted.add((site, working.version))
        reference.reported.add(site)
        reference.failures[site] = 0
    elif action == "repeat":
        current = working.version if working else None
        old = [c for c in driver.everything if c.site == site and c.version != current]
        if not old:
            return
        commands = driver.tell(UpdateArrived(update(old[-1], 99.0)))
        assert of_kind(commands, Reject)  # late or counted already: nothing of it is in the model
        assert driver.coordinator.versions.newest is before
        if reference.overdue.get(site) == old[-1].version and site not in reference.live:
            reference.join(site)  # dropped at a deadline for good, it shows that it is alive
        return
    elif action == "nan":
        del driver.sent[site]
        commands = driver.tell(UpdateArrived(update(working, np.nan)))
        assert len(of_kind(commands, Reject)) == 1
        reference.fail(site)
    elif action == "fail":
        commands = driver.tell(SiteFailed(site, "out of memory"))
        if working:
            driver.sent.pop(site) if driver.sent.get(site) is working else None
            reference.fail(site)
    elif action == "leave":
        commands = driver.tell(SiteLeft(site, "power cut"))
        if driver.sent.get(site) is working:
            driver.sent.pop(site, None)
        reference.live.discard(site)
        reference.resting.discard(site)
    elif action == "join":
        commands = driver.tell(SiteJoined(site))
        reference.join(site)
        models = [c for c in of_kind(commands, SendModel) if c.site == site]
        if models:  # a returning site gets the newest model
            assert models[0].model is driver.coordinator.versions.newest
            assert models[0].version == driver.coordinator.versions.number
        else:
            assert site in reference.reported
    else:
        due = reference.live - reference.reported
        nobody = not due and not reference.reported
        tasks = dict(driver.sent)
        commands = driver.tell(DeadlinePassed(barrier))
        for late in due:
            reference.fail(late)
            reference.overdue[late] = tasks[late].version if late in tasks else -1
        assert bool(of_kind(commands, Finish)) == nobody
    judge(driver, reference, commands, barrier)


def judge(driver: Driver, reference: Reference, commands: list[Command], barrier: int) -> None:
    for command in of_kind(commands, SendModel):
        reference.overdue.pop(command.site, None)
    fired = [c for c in of_kind(commands, ModelChanged) if c.at_barrier]
    assert bool(fired) == reference.due()  # exactly when every live site has reported
    assert driver.coordinator.barrier == barrier + len(fired)
    if fired:
        assert sum(fired[0].weights.values()) == pytest.approx(1.0)
        assert set(fired[0].weights) == reference.reported
        assert len(of_kind(commands, Checkpoint)) == 1
        reference.passed()
        if driver.coordinator.plan.rules.schedule != "async":
            sent = of_kind(commands, SendModel)
            assert {c.site for c in sent} == reference.live
            assert all(c.model is fired[0].model for c in sent)
    elif not reference.reported and not reference.live and reference.resting:
        reference.passed()  # nobody delivered: those who failed try again
    for change in of_kind(commands, ModelChanged):
        assert all(np.isfinite(t).all() for t in change.model.values())
        assert change.model["count"].dtype == np.int64
        if not change.at_barrier:
            assert 0 < sum(change.weights.values()) <= 1


@given(values=st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_synchronously_the_order_of_arrival_is_of_no_effect(values: list[float]) -> None:
    models = []
    for order in permutations(range(3)):
        driver = Driver(coordinator(3, schedule="sync", norm_factor=1e9)).start()
        tasks = dict(driver.sent)
        for number in order:
            driver.tell(UpdateArrived(update(tasks[f"s{number}"], values[number], samples=10 + number)))
        models.append(driver.newest.model["w"].tobytes())
    assert len(set(models)) == 1


def test_a_stale_update_is_damped() -> None:
    driver = Driver(coordinator(2, schedule="async")).start()
    slow = driver.sent["s1"]
    for _ in range(3):
        driver.tell(UpdateArrived(update(driver.sent["s0"])))
    commands = driver.tell(UpdateArrived(update(slow)))
    change = of_kind(commands, ModelChanged)[0]
    assert change.weights == {"s1": pytest.approx(1 / np.sqrt(1 + 3))}  # FedBuff: 1 / sqrt(1 + staleness)


def test_a_hybrid_barrier_averages_every_sites_newest_model_and_drops_what_is_under_way() -> None:
    driver = Driver(coordinator(2, schedule="hybrid")).start()
    slow = driver.sent["s1"]
    driver.tell(UpdateArrived(update(driver.sent["s0"], 1.0)))  # 0 -> 1
    driver.tell(UpdateArrived(update(driver.sent["s0"], 0.5)))  # the site's own model: 1 + 0.5
    under_way = driver.sent["s0"]
    driver.tell(UpdateArrived(update(slow, 0.9)))
    assert driver.newest.at_barrier
    assert driver.newest.model["w"] == pytest.approx((1.5 + 0.9) / 2)
    late = driver.tell(UpdateArrived(update(under_way, 5.0)))
    assert of_kind(late, Reject)[0].reason == "late: a barrier has passed"
    assert driver.coordinator.versions.newest["w"] == pytest.approx(1.2)


def test_counters_are_averaged_and_stay_integers() -> None:
    driver = Driver(coordinator(2, schedule="sync")).start()
    for site in ("s0", "s1"):
        driver.tell(UpdateArrived(update(driver.sent[site])))
    assert driver.newest.model["count"] == 2
    assert driver.newest.model["count"].dtype == np.int64


def test_a_deadline_drops_the_late_site_and_takes_it_back_when_it_reports() -> None:
    driver = Driver(coordinator(2, schedule="sync")).start()
    slow = driver.sent["s1"]
    driver.tell(UpdateArrived(update(driver.sent["s0"])))
    commands = driver.tell(DeadlinePassed(0))
    assert of_kind(commands, Abandon)[0].site == "s1"
    assert driver.newest.weights == {"s0": 1.0}
    assert {c.site for c in of_kind(commands, SendModel)} == {"s0", "s1"}  # tried again after the barrier
    newest = driver.sent["s1"]
    assert of_kind(driver.tell(UpdateArrived(update(slow))), Reject)
    assert not of_kind(driver.tell(UpdateArrived(update(newest))), Reject)


def test_a_site_that_fails_too_often_is_left_out_until_it_joins_again() -> None:
    driver = Driver(coordinator(2, schedule="sync", patience=2)).start()
    for _ in range(2):
        driver.tell(SiteFailed("s1", "no memory"))
        commands = driver.tell(UpdateArrived(update(driver.sent["s0"])))
    assert {c.site for c in of_kind(commands, SendModel)} == {"s0"}
    back = driver.tell(SiteJoined("s1"))
    assert [c.site for c in of_kind(back, SendModel)] == ["s1"]


def test_a_failure_of_superseded_work_is_of_no_effect() -> None:
    driver = Driver(coordinator(2, schedule="hybrid")).start()
    driver.tell(UpdateArrived(update(driver.sent["s0"])))
    under_way = driver.sent["s0"]
    driver.tell(UpdateArrived(update(driver.sent["s1"])))
    assert driver.newest.at_barrier
    driver.tell(SiteFailed("s0", "stopped", under_way.version))
    assert not of_kind(driver.tell(UpdateArrived(update(driver.sent["s0"]))), Reject)


def test_it_ends_when_the_loss_no_longer_falls() -> None:
    driver = Driver(coordinator(1, schedule="sync", stop_threshold=0.05)).start()
    for loss, over in ((1.0, False), (0.5, False), (0.47, True)):
        commands = driver.tell(UpdateArrived(update(driver.sent["s0"], loss=loss)))
        assert bool(of_kind(commands, Finish)) is over
    assert "less than 0.05" in of_kind(commands, Finish)[0].reason


def test_nobody_left_means_a_last_call_and_then_the_end() -> None:
    driver = Driver(coordinator(1)).start()
    assert of_kind(driver.tell(SiteLeft("s0", "power cut")), SetDeadline)
    assert of_kind(driver.tell(DeadlinePassed(0)), Finish)[0].reason == "no site is left"


def test_a_site_that_never_shows_up_is_awaited_until_the_deadline_only() -> None:
    driver = Driver(coordinator(2, schedule="sync"))
    driver.tell(Started())
    driver.tell(SiteJoined("s0"))
    driver.tell(UpdateArrived(update(driver.sent["s0"])))
    assert driver.newest is None
    driver.tell(DeadlinePassed(0))
    assert driver.newest.weights == {"s0": 1.0}


def test_fedbuff_steps_once_its_buffer_is_full() -> None:
    driver = Driver(coordinator(3, schedule="async", aggregation="fedbuff", buffer=2)).start()
    driver.tell(UpdateArrived(update(driver.sent["s0"], 1.0)))
    assert driver.newest is None
    driver.tell(UpdateArrived(update(driver.sent["s1"], 0.5)))
    assert driver.newest.model["w"] == pytest.approx((1.0 + 0.5) / 2)  # neither is stale


def test_fedasync_mixes_models_not_differences() -> None:
    driver = Driver(coordinator(2, schedule="async", aggregation="fedasync", mixing=0.6)).start()
    slow = driver.sent["s1"]
    driver.tell(UpdateArrived(update(driver.sent["s0"], 1.0)))
    assert driver.newest.model["w"] == pytest.approx(0.6)
    driver.tell(UpdateArrived(update(slow, 1.0)))
    share = 0.6 / np.sqrt(2)  # one step old
    assert driver.newest.model["w"] == pytest.approx((1 - share) * 0.6 + share * 1.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tensors": {"w": np.array([1.0, np.inf]), "count": np.array(1)}}, "not finite"),
        ({"tensors": {"w": np.ones(3), "count": np.array(1)}}, r"shape \(3,\)"),
        ({"tensors": {"w": np.ones(2)}}, "missing"),
        ({"tensors": {"w": np.ones(2), "count": np.array(1), "more": np.ones(2)}}, "unknown"),
        ({"tensors": {"w": np.array(["a", "b"]), "count": np.array(1)}}, "real numbers"),
        ({"loss": np.nan}, "loss is nan"),
        ({"samples": 0}, "claims 0 frames"),
        ({"label_counts": ((5, -1),)}, "label counts"),
        ({"label_counts": ((500, 500),)}, "label counts"),
    ],
)
def test_what_is_wrong_with_an_update_is_said(change: dict, reason: str) -> None:
    driver = Driver(coordinator(2, schedule="sync")).start()
    commands = driver.tell(UpdateArrived(replace(update(driver.sent["s0"]), **change)))
    assert re.search(reason, of_kind(commands, Reject)[0].reason)


def test_an_update_far_longer_than_the_others_is_refused_even_if_it_came_first() -> None:
    driver = Driver(coordinator(3, schedule="sync")).start()
    driver.tell(UpdateArrived(update(driver.sent["s0"], 100.0)))  # nothing to compare with yet
    driver.tell(UpdateArrived(update(driver.sent["s1"], 1.0)))
    commands = driver.tell(UpdateArrived(update(driver.sent["s2"], 2.0)))
    assert [c.site for c in of_kind(commands, Reject)] == ["s0"]
    assert driver.newest.model["w"] == pytest.approx(1.5)


def test_a_checkpoint_is_enough_to_go_on() -> None:
    first = Driver(coordinator(2, schedule="sync")).start()
    first.tell(UpdateArrived(update(first.sent["s0"], 1.0)))
    saved = of_kind(first.tell(UpdateArrived(update(first.sent["s1"], 2.0))), Checkpoint)[0]
    second = Driver(Coordinator(first.coordinator.plan, [], saved.model, saved.record)).start()
    assert {s: c.version for s, c in second.sent.items()} == {s: c.version for s, c in first.sent.items()}
    assert all(command.epochs == 5 for command in second.sent.values())  # no second warm-up
    for driver in (first, second):
        driver.tell(UpdateArrived(update(driver.sent["s0"], 1.0)))
        driver.tell(UpdateArrived(update(driver.sent["s1"], -1.5)))
    assert np.array_equal(first.newest.model["w"], second.newest.model["w"])
