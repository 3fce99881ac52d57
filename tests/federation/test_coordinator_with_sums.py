"""The coordinator with secure aggregation over random orders of events: every barrier is the mean of its sites."""

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
from fedbragg.federation.secure.messages import Refusal
from fedbragg.types import Update

if find_spec("cryptography") is None:
    pytest.skip("cryptography is not installed: pip install 'fedbragg[secure]'", allow_module_level=True)

NAMES = [f"s{number}" for number in range(4)]
RULES = {"aggregation": "fedavg", "schedule": "sync", "clip": 10.0, "barriers": 1000, "patience": 3}
PLAN = Plan(FederationSettings(**RULES), 15, 5, 1, privacy=PrivacySettings(secure=True, most_samples=1000))
ACTIONS = [
    "train",
    "train",
    "train",
    "answer",
    "answer",
    "answer",
    "answer",
    "fail",
    "leave",
    "join",
    "deadline",
]


class Driver:
    """A coordinator, its sites, and what they have been sent and not answered yet."""

    def __init__(self) -> None:
        self.coordinator = Coordinator(PLAN, NAMES, START)
        self.sums = SimulatedSums(PLAN, NAMES)
        self.models: dict[str, events.SendModel] = {}
        self.steps: dict[str, events.SendSumMessage] = {}
        self.values: dict[tuple[str, int], Update] = {}
        self.changes: list[tuple[dict, events.ModelChanged]] = []  # with the model before
        self.ended = ""
        self.handle(events.Started())
        for name in NAMES:
            self.handle(events.SiteJoined(name))

    def handle(self, event: events.Event) -> list[events.Command]:
        before, version = self.coordinator.versions.newest, self.coordinator.versions.number
        commands = self.coordinator.handle(event)
        for command in commands:
            match command:
                case events.SendModel(site):
                    self.models[site] = command
                case events.SendSumMessage(site):
                    self.steps[site] = command
                case events.ModelChanged():
                    self.changes.append((before, command))
                    self.check(before, command, version)
                case events.Finish(_, reason):
                    self.ended = reason
        return commands

    def check(self, before: dict, change: events.ModelChanged, version: int) -> None:
        included = [self.values[name, version] for name in change.summed.sites]
        assert len(included) >= 3
        sizes = np.array([update.samples for update in included], dtype=float)
        mean = sum(n * u.tensors["w"] for n, u in zip(sizes, included, strict=True)) / sizes.sum()
        np.testing.assert_allclose(change.model["w"], before["w"] + mean, atol=1e-5)
        assert (change.weights, change.losses) == ({}, {})

    def train(self, site: str, value: float) -> None:
        command = self.models.pop(site, None)
        if command is None:
            return
        tensors = {"w": np.full(2, value), "count": np.array(2)}
        samples = 10 + int(100 * abs(value))
        update = Update(site, command.version, tensors, samples, ((1, samples - 1),), 1.0)
        self.values[site, command.version] = update
        offer = self.sums.offered(update, command.model)
        self.sums.keep(offer)
        self.handle(events.SiteTrained(site, command.version, offer.part.advert))

    def answer(self, site: str) -> None:
        if (step := self.steps.pop(site, None)) is not None:
            self.handle(self.sums.answered(step).answer)


def play(script: list[tuple[str, int, float]]) -> Driver:
    driver = Driver()
    for action, number, value in script:
        site = NAMES[number]
        match action:
            case "train":
                driver.train(site, value)
            case "answer":
                driver.answer(site)
            case _:
                disturb(driver, action, site)
    return driver


scripts = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 3), st.floats(-1, 1)), max_size=120)


@given(script=scripts)
@effort(max_examples=80, deadline=None)
def test_every_barrier_is_the_mean_of_three_sites_or_more(script: list[tuple[str, int, float]]) -> None:
    driver = play(script)
    assert driver.coordinator.barriers.passed == len(driver.changes)
    if driver.ended:
        assert "fewer than 3 sites" in driver.ended or "was refused 3 times" in driver.ended


ROUND = [*(("train", n, 0.1) for n in range(4)), *(("answer", n, 0.0) for n in range(4))]


def test_a_whole_round_and_the_next() -> None:
    answers = [("answer", n, 0.0) for n in range(4)]
    driver = play([*ROUND, *answers * 3, *ROUND, *answers * 3])
    assert [change.summed.sites for _, change in driver.changes] == [tuple(NAMES)] * 2
    assert {command.epochs for command in driver.models.values()} == {5}


def test_a_plain_update_and_an_offer_out_of_turn_do_not_count() -> None:
    driver = play([])
    command = driver.models["s0"]
    update = Update("s0", command.version, {"w": np.ones(2), "count": np.array(1)}, 5, ((1, 4),), 1.0)
    [reject] = of_kind(driver.handle(events.UpdateArrived(update)), events.Reject)
    assert reject.reason == "updates are summed under masks, and no single one is taken"
    offer = driver.sums.offered(update, command.model).part.advert
    for site in ("s0", "stranger"):
        [reject] = of_kind(
            driver.handle(events.SiteTrained(site, 7, replace(offer, site=site))), events.Reject
        )
    plain = Coordinator(replace(PLAN, privacy=PrivacySettings()), NAMES, START)
    [reject] = of_kind(plain.handle(events.SiteTrained("s0", 0, offer)), events.Reject)
    assert reject.reason == "no masked sum is expected from it"
    assert plain.handle(events.SumAnswered("s0", 1, Refusal("late"))) == []


def test_sums_that_are_refused_end_the_federation_with_the_reason() -> None:
    driver = play([])
    for _ in range(3):
        for name in NAMES:
            driver.train(name, 0.1)
        for step in list(driver.steps.values()):
            driver.handle(events.SumAnswered(step.site, step.number, Refusal("another model")))
        driver.steps.clear()
    assert driver.ended.startswith(
        "the sum was refused 3 times: 0 sites sent shares, and 3 are needed; s0: another"
    )


def test_a_site_that_does_not_answer_in_time_is_left_out() -> None:
    answers = [("answer", n, 0.0) for n in range(3)]
    driver = play([*(("train", n, 0.1) for n in range(4)), *answers, ("deadline", 0, 0.0), *answers * 3])
    assert [change.summed.sites for _, change in driver.changes] == [("s0", "s1", "s2")]
