"""The coordinator over random orders of events, against a plain reference."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from driving import Driver, coordinator, of_kind, update
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from fedbragg.federation.events import (
    Command,
    DeadlinePassed,
    Event,
    Finish,
    ModelChanged,
    Reject,
    SaveCheckpoint,
    SendModel,
    SiteFailed,
    SiteJoined,
    SiteLeft,
    UpdateArrived,
)

ACTIONS = ["report", "report", "report", "report", "repeat", "nan", "fail", "leave", "join", "deadline"]
scripts = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 3), st.floats(0.5, 1.5)), max_size=60)
schedules = st.sampled_from(["sync", "async", "hybrid", "compass"])


class Reference:
    """Which sites are live and which have reported, by the documented rules alone, without the coordinator's code."""

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
def test_the_documented_rules_hold_for_any_order_of_events(
    schedule: str, script: list[tuple[str, int, float]]
) -> None:
    driver = Driver(coordinator(4, schedule=schedule)).start()
    reference = Reference([f"s{number}" for number in range(4)])
    counted: set[tuple[str, int]] = set()
    for action, number, value in script:
        if driver.coordinator.finished:
            break
        site = f"s{number}"
        play(driver, reference, counted, (action, site, value))


@given(schedule=schedules, script=scripts)
@effort(max_examples=60, deadline=None)
def test_whatever_has_happened_sites_that_report_bring_the_next_barrier(
    schedule: str, script: list[tuple[str, int, float]]
) -> None:
    driver = Driver(coordinator(4, schedule=schedule, patience=1000)).start()
    for action, number, value in script:
        event = happening(driver, action, f"s{number}", value)
        if event is not None and not driver.coordinator.finished:
            driver.handle(event)
    for number in range(4):
        driver.handle(SiteJoined(f"s{number}"))
    for _ in range(2):
        barrier, tries = driver.coordinator.barriers.passed, 0
        while driver.coordinator.barriers.passed == barrier and not driver.coordinator.finished:
            for site in list(driver.sent):
                driver.handle(UpdateArrived(update(driver.sent.pop(site))))
            tries += 1
            assert tries < 40


def happening(driver: Driver, action: str, site: str, value: float) -> Event | None:
    match action:
        case "report" | "nan" if site in driver.sent:
            return UpdateArrived(update(driver.sent.pop(site), value if action == "report" else np.nan))
        case "fail" if site in driver.sent:
            driver.sent.pop(site)
            return SiteFailed(site, "out of memory")
        case "leave":
            driver.sent.pop(site, None)
            return SiteLeft(site, "power cut")
        case "join":
            return SiteJoined(site)
        case "deadline":
            return DeadlinePassed(driver.coordinator.barriers.passed)
    return None


def play(driver: Driver, reference: Reference, counted: set, step: tuple[str, str, float]) -> None:
    action, site, value = step
    before, barrier = driver.coordinator.versions.newest, driver.coordinator.barriers.passed
    working = driver.sent.get(site)
    if action in ("report", "nan") and working is None:
        return
    if action == "report":
        commands = driver.handle(UpdateArrived(update(working, value)))
        if driver.sent.get(site) is working:
            del driver.sent[site]
        assert not of_kind(commands, Reject)
        assert (site, working.version) not in counted  # no update counts twice
        counted.add((site, working.version))
        reference.reported.add(site)
        reference.failures[site] = 0
    elif action == "repeat":
        current = working.version if working else None
        old = [c for c in driver.everything if c.site == site and c.version != current]
        if not old:
            return
        commands = driver.handle(UpdateArrived(update(old[-1], 99.0)))
        assert of_kind(commands, Reject)  # late or already counted: the model does not change
        assert driver.coordinator.versions.newest is before
        if reference.overdue.get(site) == old[-1].version and site not in reference.live:
            reference.join(site)  # dropped at a deadline, but it is alive
        return
    elif action == "nan":
        del driver.sent[site]
        commands = driver.handle(UpdateArrived(update(working, np.nan)))
        assert len(of_kind(commands, Reject)) == 1
        reference.fail(site)
    elif action == "fail":
        commands = driver.handle(SiteFailed(site, "out of memory"))
        if working:
            driver.sent.pop(site) if driver.sent.get(site) is working else None
            reference.fail(site)
    elif action == "leave":
        commands = driver.handle(SiteLeft(site, "power cut"))
        if driver.sent.get(site) is working:
            driver.sent.pop(site, None)
        reference.live.discard(site)
        reference.resting.discard(site)
    elif action == "join":
        commands = driver.handle(SiteJoined(site))
        reference.join(site)
        models = [c for c in of_kind(commands, SendModel) if c.site == site]
        if models:  # a returning site gets the newest model
            assert models[0].model is driver.coordinator.versions.newest
            assert models[0].version == driver.coordinator.versions.number
        else:
            # A site whose update waits for its group gets the model that the group makes.
            assert site in reference.reported or driver.coordinator.plan.settings.schedule == "compass"
    else:
        due = reference.live - reference.reported
        no_site = not due and not reference.reported
        tasks = dict(driver.sent)
        commands = driver.handle(DeadlinePassed(barrier))
        for late in due:
            reference.fail(late)
            reference.overdue[late] = tasks[late].version if late in tasks else -1
        assert bool(of_kind(commands, Finish)) == no_site
    check(driver, reference, commands, barrier)


def check(driver: Driver, reference: Reference, commands: list[Command], barrier: int) -> None:
    for command in of_kind(commands, SendModel):
        reference.overdue.pop(command.site, None)
    fired = [c for c in of_kind(commands, ModelChanged) if c.at_barrier]
    assert bool(fired) == reference.due()  # exactly when every live site has reported
    assert driver.coordinator.barriers.passed == barrier + len(fired)
    if fired:
        assert sum(fired[0].weights.values()) == pytest.approx(1.0)
        assert set(fired[0].weights) == reference.reported
        assert len(of_kind(commands, SaveCheckpoint)) == 1
        reference.passed()
        if driver.coordinator.plan.combines_at_barriers:
            sent = of_kind(commands, SendModel)
            assert {c.site for c in sent} == reference.live
            assert all(c.model is fired[0].model for c in sent)
    elif not reference.reported and not reference.live and reference.resting:
        reference.passed()  # no site reported: those that failed are tried again
    for change in of_kind(commands, ModelChanged):
        assert all(np.isfinite(t).all() for t in change.model.values())
        assert change.model["count"].dtype == np.int64
        if not change.at_barrier:
            assert 0 < sum(change.weights.values()) <= 1


@given(values=st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_the_order_of_arrival_does_not_change_a_synchronous_barrier(values: list[float]) -> None:
    models = []
    for order in permutations(range(3)):
        driver = Driver(coordinator(3, schedule="sync", norm_factor=1e9)).start()
        tasks = dict(driver.sent)
        for number in order:
            driver.handle(UpdateArrived(update(tasks[f"s{number}"], values[number], samples=10 + number)))
        models.append(driver.newest.model["w"].tobytes())
    assert len(set(models)) == 1
