"""The coordinator with secure aggregation and the hybrid schedule, over random orders of events.

What the server can compute are the sums that were opened. No update is in two of them, and those in one were made from
one model by three sites or more; so no two sums can be subtracted, and a model sent to some sites alone tells nothing.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from driving import START, disturb, of_kind
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from fedbragg.config import FederationSettings, PrivacySettings
from fedbragg.federation import events
from fedbragg.federation.coordinator import Coordinator
from fedbragg.federation.engines.simulated_sums import SimulatedSums
from fedbragg.federation.plan import Plan
from fedbragg.types import State, Update

if find_spec("cryptography") is None:
    pytest.skip("cryptography is not installed: pip install 'fedbragg[secure]'", allow_module_level=True)

NAMES = [f"s{number}" for number in range(7)]
RULES = {"aggregation": "fedavg", "schedule": "hybrid", "buffer": 3, "clip": 50.0, "barriers": 1000}
PLAN = Plan(FederationSettings(**RULES), 15, 5, 1, privacy=PrivacySettings(secure=True, most_samples=1000))
ACTIONS = [*["train", "sum"] * 4, "answer", "fail", "leave", "join", "join", "deadline"]


class Groups:
    """A coordinator with its sites, and the updates in each sum, as only the sites know them."""

    def __init__(self, plan: Plan = PLAN, sums: SimulatedSums | None = None) -> None:
        self.coordinator = Coordinator(plan, NAMES, START)
        self.sums = sums or SimulatedSums(plan, NAMES)
        self.models: dict[str, events.SendModel] = {}  # that sites train on
        self.steps: dict[str, events.SendSumMessage] = {}
        self.starts: dict[int, State] = {}  # by version
        self.offered: dict[str, Update] = {}
        self.summing: dict[str, Update] = {}  # in the sum that runs
        self.number = 0
        self.counted: dict[str, Update] = {}  # in the newest opened sum of each site, since the barrier
        self.opened: list[list[Update]] = []  # the updates of each sum that was opened
        self.barriers: list[events.ModelChanged] = []
        self.sent: list[events.SendModel] = []
        self.ended = ""
        self.now = 0.0
        self.handle(events.Started())
        for name in NAMES:
            self.handle(events.SiteJoined(name))

    def handle(self, event: events.Event) -> list[events.Command]:
        barrier = self.coordinator.versions.barrier_model
        self.now += 1.0
        commands = self.coordinator.handle(event, self.now)
        for command in commands:
            match command:
                case events.SendModel(site, version):
                    self.models[site], self.starts[version] = command, command.model
                    self.sent.append(command)
                case events.SendSumMessage(site, number):
                    if number != self.number:
                        self.number, self.summing = number, {}
                    self.summing.setdefault(site, self.offered[site])
                    self.steps[site] = command
                case events.SumFailed():
                    self.summing = {}
                case events.ModelChanged():
                    self.changed(command, barrier)
                case events.Finish(_, reason):
                    self.ended = reason
        return commands

    def changed(self, change: events.ModelChanged, barrier: State) -> None:
        opened = {site: self.summing[site] for site in change.summed.sites if site in self.summing}
        if opened:
            self.opened.append(list(opened.values()))
        self.counted |= opened
        self.summing = {}
        if not change.at_barrier:
            return
        self.barriers.append(change)
        updates = [self.counted[site] for site in change.summed.sites]
        sizes = np.array([update.samples for update in updates], dtype=float)
        own = [self.starts[update.version]["w"] + update.tensors["w"] - barrier["w"] for update in updates]
        mean = sum(n * step for n, step in zip(sizes, own, strict=True)) / sizes.sum()
        np.testing.assert_allclose(change.model["w"], barrier["w"] + mean, atol=1e-4)
        self.counted = {}

    def train(self, site: str, value: float = 0.1) -> None:
        command = self.models.pop(site, None)
        if command is None:
            return
        tensors = {"w": np.full(2, value), "count": np.array(2)}
        samples = 10 + int(100 * abs(value))
        update = Update(site, command.version, tensors, samples, ((1, samples - 1),), 1.0)
        offer = self.sums.offered(update, command.model)
        self.sums.keep(offer)
        self.offered[site] = update
        self.handle(events.SiteTrained(site, command.version, offer.part.advert))

    def answer(self, site: str) -> None:
        if (step := self.steps.pop(site, None)) is not None:
            self.handle(self.sums.answered(step).answer)

    def sum(self) -> None:
        """Have all sites answer until no message is left."""
        while self.steps:
            self.answer(next(iter(self.steps)))

    def finish_round(self, *sites: int) -> None:
        for site in sites:
            self.train(NAMES[site])
        self.sum()


Script = list[tuple[str, set[int], float]]


def play(script: Script) -> Groups:
    """Have sets of sites train and answer; what is left of a sum is answered at "sum"."""
    driver = Groups()
    for action, numbers, value in script:
        for site in (NAMES[number] for number in sorted(numbers)):
            match action:
                case "train":
                    driver.train(site, value)
                case "answer":
                    driver.answer(site)
        site = NAMES[min(numbers)]
        match action:
            case "sum":
                driver.sum()
            case _:
                disturb(driver, action, site)
    return driver


some = st.sets(st.integers(0, 6), min_size=1)
scripts = st.lists(st.tuples(st.sampled_from(ACTIONS), some, st.floats(-1, 1)), max_size=40)


@given(script=scripts)
@effort(max_examples=60, deadline=None)
def test_no_update_is_in_two_sums_and_those_in_one_are_of_three_sites_and_one_model(
    script: Script,
) -> None:
    driver = play(script)
    summed = [id(update) for updates in driver.opened for update in updates]
    assert len(summed) == len(set(summed))
    for updates in driver.opened:
        assert len({update.site for update in updates}) >= 3
        assert len({update.version for update in updates}) == 1
    per_version = [(update.site, update.version) for updates in driver.opened for update in updates]
    assert len(per_version) == len(set(per_version))  # training twice on a model gives nearly the same update
    assert driver.coordinator.barriers.passed == len(driver.barriers)
    if driver.ended:
        assert "fewer than 3 sites" in driver.ended or "was refused 3 times" in driver.ended


@given(script=scripts)
@effort(max_examples=8, deadline=None)
def test_whatever_has_happened_the_federation_goes_on_with_all_sites(
    script: Script,
) -> None:
    driver = play(script)
    for name in NAMES:
        driver.steps.pop(name, None)
        driver.handle(events.SiteJoined(name))
    before = len(driver.barriers)
    for _ in range(3):
        for name in NAMES:
            driver.train(name)
        driver.sum()
    assert driver.ended or len(driver.barriers) > before + 1


def test_fast_sites_go_on_while_the_slow_ones_train() -> None:
    driver = Groups()
    driver.finish_round(0, 1, 2)
    first = driver.coordinator.versions.newest["w"]
    np.testing.assert_allclose(first, START["w"] + 0.1, atol=1e-4)
    again = driver.sent[-3:]
    assert {command.site for command in again} == {"s0", "s1", "s2"}
    assert {(command.version, command.epochs) for command in again} == {(1, 5)}
    driver.finish_round(0, 1, 2)  # the group's second sum moves the model again
    assert driver.coordinator.barriers.passed == 0
    np.testing.assert_allclose(driver.coordinator.versions.newest["w"], START["w"] + 0.2, atol=1e-4)
    driver.finish_round(3, 4, 5, 6)
    assert driver.coordinator.barriers.passed == 1
    # The fast sites' newest models are 0.2 from the start, those of the others 0.1.
    np.testing.assert_allclose(driver.barriers[0].model["w"], (3 * 0.2 + 4 * 0.1) / 7, atol=1e-4)
    assert driver.barriers[0].summed.sites == tuple(NAMES)


def test_sites_too_few_for_a_sum_of_their_own_are_waited_for() -> None:
    """Five have trained and two have not: a sum of the five would leave two, whose sum tells too much."""
    driver = Groups()
    for site in NAMES[:2]:
        driver.handle(events.SiteLeft(site, "power cut"))
    driver.finish_round(2, 3, 4)
    assert not driver.opened
    driver.finish_round(5, 6)
    assert [len(updates) for updates in driver.opened] == [5]
    assert driver.coordinator.barriers.passed == 1


def test_the_barrier_does_not_wait_for_sites_that_cannot_be_summed() -> None:
    driver = Groups()
    driver.finish_round(0, 1, 2)
    for site in ("s5", "s6"):
        driver.handle(events.SiteFailed(site, "out of memory"))
    assert driver.coordinator.barriers.passed == 1  # two are left that train, and they begin the next round
    assert {command.site for command in driver.sent[-7:]} == set(NAMES)


def test_a_site_that_is_in_a_sum_does_not_train_on_the_same_model_again() -> None:
    driver = Groups()
    driver.finish_round(0, 1, 2)
    sent = len(driver.sent)
    driver.handle(events.SiteLeft("s0", "power cut"))
    driver.handle(events.SiteJoined("s0"))
    assert len(driver.sent) == sent  # it rests until the barrier
    driver.handle(events.SiteLeft("s6", "power cut"))
    [command] = of_kind(driver.handle(events.SiteJoined("s6")), events.SendModel)
    assert command.version == 0  # it is in no sum yet, and trains from the barrier's model as the others do
    driver.finish_round(3, 4, 5, 6)
    assert driver.coordinator.barriers.passed == 1


def test_a_sum_that_is_refused_between_barriers_leaves_its_sites_out_until_the_next() -> None:
    driver = Groups()
    driver.finish_round(0, 1, 2)
    for site in NAMES[:3]:
        driver.train(site)
    driver.handle(events.SiteLeft("s0", "power cut"))
    driver.sum()
    assert driver.coordinator.barriers.passed == 0
    driver.finish_round(3, 4, 5, 6)
    assert driver.barriers[0].summed.sites == tuple(NAMES)  # the first sum of the fast sites counts
    np.testing.assert_allclose(driver.barriers[0].model["w"], START["w"] + 0.1, atol=1e-4)


def test_a_first_sum_that_is_refused_costs_the_others_nothing() -> None:
    driver = Groups()
    for site in NAMES[:3]:
        driver.train(site)
    driver.handle(events.SiteLeft("s0", "power cut"))
    sent = len(driver.sent)
    driver.sum()
    assert {(command.site, command.version) for command in driver.sent[sent:]} == {("s1", 0), ("s2", 0)}
    driver.finish_round(1, 2, 3, 4, 5, 6)
    assert driver.barriers[0].summed.sites == tuple(NAMES[1:])


def test_the_deadline_of_the_barrier_counts_on_after_a_sum() -> None:
    driver = Groups()
    for site in NAMES[:3]:
        driver.train(site)
    commands: list[events.Command] = []
    while driver.steps:
        site, step = next(iter(driver.steps.items()))
        del driver.steps[site]
        commands = driver.handle(driver.sums.answered(step).answer)
    [deadline] = of_kind(commands, events.SetDeadline)
    assert deadline.seconds == pytest.approx(3600 - (driver.now - 1))
    driver.handle(events.DeadlinePassed(0))
    assert driver.coordinator.barriers.passed == 1  # without the four that are late


@pytest.mark.parametrize("schedule", ["sync", "hybrid"])
def test_after_a_restart_of_the_server_the_same_sites_find_together(schedule: str) -> None:
    """The sites sign one list for a model, whoever is first the next time."""
    plan = replace(PLAN, settings=FederationSettings(**{**RULES, "schedule": schedule}))
    first = Groups(plan)
    if schedule == "sync":
        first.handle(events.SiteLeft("s6", "power cut"))
    first.finish_round(0, 1, 2)
    if schedule == "sync":
        first.finish_round(3, 4, 5)
    [updates] = first.opened
    again = Groups(plan, first.sums)
    again.finish_round(6, 5, 4, 2)
    assert not again.opened or schedule == "hybrid"
    again.finish_round(1, 0, 3)
    assert [update.site for update in again.opened[-1 if schedule == "hybrid" else 0]] == [
        update.site for update in updates
    ]
    assert again.coordinator.barriers.passed == 1
    assert not again.ended


def test_a_list_whose_sites_do_not_come_back_ends_the_federation_with_the_reason() -> None:
    first = Groups()
    first.finish_round(0, 1, 2)
    again = Groups(PLAN, first.sums)
    for site in ("s0", "s4", "s5", "s6"):
        again.handle(events.SiteLeft(site, "power cut"))
    for _ in range(3):
        again.finish_round(1, 2, 3)
    assert "s1: this site has signed a sum of s0, s1, s2 for this model" in again.ended


def test_a_threshold_is_the_least_size_of_a_sum() -> None:
    rules = FederationSettings(**{**RULES, "buffer": 4})
    plan = replace(PLAN, settings=rules, privacy=PrivacySettings(secure=True, most_samples=1000, threshold=4))
    driver = Groups(plan)
    driver.finish_round(0, 1, 2, 3)
    assert not driver.opened  # three are left, and four are needed
    driver.finish_round(4, 5, 6)
    assert [len(updates) for updates in driver.opened] == [7]
