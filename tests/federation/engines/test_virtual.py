"""The virtual engine: links, losses, outages, and hundreds of sites."""

from __future__ import annotations

import time

import numpy as np
import pytest

from fedbragg.config import FederationSettings
from fedbragg.federation import federate
from fedbragg.federation.engines.virtual import RecordedSite, SimulatedLink, SimulatedNetwork, recorded_loss
from fedbragg.federation.events import SendModel

CURVE = ((0.0, 2.0), (1000.0, 1.0), (10000.0, 0.1))


def simulated(settings, **links: SimulatedLink) -> SimulatedNetwork:
    return SimulatedNetwork(links, settings.federation, settings.seed)


def times(outcome, event: str) -> list[float]:
    return [line["time"] for line in outcome.history if line["event"] == event]


def test_a_delivery_takes_latency_transfer_and_training() -> None:
    site = RecordedSite("a", samples=100, speed=10.0, curve=CURVE)
    command = SendModel("a", 0, {"w": np.zeros(250, np.float32)}, 2)  # 1000 bytes
    rules = FederationSettings(compression="half")
    network = SimulatedNetwork({"a": SimulatedLink(bandwidth=500, latency=0.25)}, rules, 1)
    assert network.delivery(site, command) == pytest.approx(2 * 0.25 + (1000 + 500) / 500 + 100 * 2 / 10)


def test_a_site_cut_off_during_a_round_is_taken_back_with_the_newest_model(make_problem, settings) -> None:
    problem, rules = make_problem(), settings(schedule="sync", deadline=10_000.0)
    outcome = federate(
        rules,
        problem.sites,
        problem.initial,
        network=simulated(rules, site4=SimulatedLink(outages=((460.0, 610.0),))),
    )
    weights = [set(line["weights"]) for line in outcome.history if line["event"] == "barrier"]
    assert "site4" in weights[0]
    assert "site4" not in weights[1]
    assert "site4" in weights[-1]
    assert times(outcome, "left") == [460.0]
    assert outcome.barriers == 5


def test_a_lost_message_is_sent_again_as_often_as_it_is_lost() -> None:
    """With 30 % lost, a message is sent 1 / 0.7 times in the mean, and 0.7 of them once (a geometric distribution)."""
    site, rules = RecordedSite("a", samples=100, speed=10.0, curve=CURVE), FederationSettings()
    network = SimulatedNetwork({"a": SimulatedLink(loss=0.3)}, rules, 1)
    commands = [SendModel("a", version, {"work": np.zeros(())}, 1) for version in range(4000)]
    times_lost = np.array([network.delivery(site, command) - 10.0 for command in commands]) / 122.0
    assert np.allclose(
        times_lost, np.round(times_lost)
    )  # 120 s without progress, and the pause of 2 s between polls
    assert np.mean(times_lost == 0) == pytest.approx(0.7, abs=4 * np.sqrt(0.7 * 0.3 / 4000))
    assert np.mean(times_lost) == pytest.approx(0.3 / 0.7, abs=4 * np.sqrt(0.3 / 0.7**2 / 4000))
    assert network.delivery(site, commands[3]) == network.delivery(site, commands[3])


def test_a_site_whose_message_is_lost_reports_late_and_is_not_left_out(make_problem, settings) -> None:
    problem = make_problem()
    rules = settings(schedule="sync", deadline=100_000.0, barriers=8, patience=1)
    links = {site.name: SimulatedLink(loss=0.3) for site in problem.sites}
    lossy, whole = (
        federate(rules, problem.sites, problem.initial, network=simulated(rules, **known))
        for known in (links, {})
    )
    assert not times(lossy, "abandoned")
    assert all(len(line["weights"]) == 5 for line in lossy.history if line["event"] == "barrier")
    late = np.subtract(times(lossy, "finish"), times(whole, "finish"))[0]
    assert 122.0 <= late < 8 * 10 * 122.0
    for name, tensor in lossy.model.items():  # only the times differ
        np.testing.assert_array_equal(tensor, whole.model[name])


def test_a_message_that_is_lost_past_the_deadline_costs_the_deadline_and_no_more(
    make_problem, settings
) -> None:
    problem, rules = make_problem(), settings(schedule="hybrid", deadline=500.0, barriers=8, patience=20)
    links = {site.name: SimulatedLink(loss=0.3) for site in problem.sites}
    network = SimulatedNetwork(links, rules.federation, rules.seed, resent=1000.0)
    outcome = federate(rules, problem.sites, problem.initial, network=network)
    assert outcome.barriers == 8
    assert times(outcome, "abandoned")
    assert times(outcome, "finish")[0] <= 8 * 500.0 + 500.0


def test_a_federation_cut_off_altogether_ends(make_problem, settings) -> None:
    problem, rules = make_problem(), settings(deadline=100.0)
    links = {site.name: SimulatedLink(loss=1.0) for site in problem.sites}
    outcome = federate(rules, problem.sites, problem.initial, network=simulated(rules, **links))
    assert outcome.reason == "no site is left"


def test_selected_sites_alone_train(make_problem, settings) -> None:
    problem, rules = make_problem(), settings(schedule="sync", selection="size", cohort=2, barriers=6)
    outcome = federate(rules, problem.sites, problem.initial)
    counts = [len(line["weights"]) for line in outcome.history if line["event"] == "barrier"]
    assert counts == [5, 2, 2, 2, 2, 2]  # all sites once, so that all are known
    assert problem.evaluate(outcome.model)["accuracy"] > 0.6


def test_a_recorded_loss_is_read_off_its_curve() -> None:
    assert recorded_loss(CURVE, 500.0) == pytest.approx(1.5)
    assert recorded_loss(CURVE, 1e9) == pytest.approx(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["sync", "hybrid"])
def test_five_hundred_sites_take_less_than_a_minute(make_problem, settings, schedule: str) -> None:
    generator = np.random.default_rng(4)
    speeds, sizes = 10 * 3 ** generator.random(500), generator.integers(20, 80, 500)
    problem = make_problem(speeds=tuple(speeds), sizes=tuple(sizes))
    rules = settings(schedule=schedule, warmup=2, epochs=1, barriers=2, deadline=1e4)
    start = time.process_time()  # a busy machine stretches the time on the clock
    outcome = federate(rules, problem.sites, problem.initial, network=simulated(rules))
    assert time.process_time() - start < 60
    assert outcome.barriers == 2
    assert problem.evaluate(outcome.model)["accuracy"] > 0.7


def test_five_hundred_recorded_sites_run_too(settings) -> None:
    generator = np.random.default_rng(4)
    speeds = 8 ** generator.random(500)
    sites = [
        RecordedSite(f"s{number}", int(generator.integers(50, 500)), float(speed), CURVE)
        for number, speed in enumerate(speeds)
    ]
    rules = settings(schedule="sync", barriers=3, deadline=1e6)
    outcome = federate(rules, sites, {"work": np.zeros(())}, network=simulated(rules))
    losses = [line["loss"] for line in outcome.history if line["event"] == "barrier"]
    assert losses == sorted(losses, reverse=True)
