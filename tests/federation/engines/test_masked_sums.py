"""Federations with secure aggregation in this process: the plain rule's model, whoever fails, on every clock."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from softmax import Problem, SoftmaxSite

from fedbragg.config import Federation, PrivacySettings
from fedbragg.errors import ConfigError
from fedbragg.federation import Ensemble, RecordingSettings, federate
from fedbragg.federation.engines.virtual import SimulatedLink, SimulatedNetwork

if find_spec("cryptography") is None:
    pytest.skip("cryptography is not installed: pip install 'fedbragg[secure]'", allow_module_level=True)

Settings = Callable[..., Federation]
RULES = {"schedule": "sync", "clip": 10.0}


def secured(settings: Federation, **privacy) -> Federation:
    return settings.model_copy(update={"privacy": PrivacySettings(secure=True, **privacy)})


class Failing:
    """A site whose training fails at the versions given."""

    def __init__(self, site: SoftmaxSite, *versions: int) -> None:
        self._site, self._versions = site, versions
        self.name, self.speed, self.samples = site.name, site.speed, site.samples

    def train(self, model, version, epochs):
        if version in self._versions:
            raise MemoryError("no frames fit")
        return self._site.train(model, version, epochs)


@pytest.mark.parametrize("aggregation", ["fedkl", "fedavg", "fedavg_uniform"])
def test_the_model_is_that_of_the_plain_rule(problem: Problem, settings: Settings, aggregation: str) -> None:
    plain = settings(aggregation=aggregation, **RULES)
    outcomes = [federate(s, problem.sites, problem.initial) for s in (plain, secured(plain))]
    for name, tensor in outcomes[0].model.items():
        np.testing.assert_allclose(outcomes[1].model[name], tensor, atol=1e-5)
    known, summed = ([line for line in o.history if line["event"] == "barrier"] for o in outcomes)
    np.testing.assert_allclose([line["loss"] for line in summed], [line["loss"] for line in known], atol=2e-5)
    assert all(line.keys() & {"weights", "losses"} == set() for line in outcomes[1].history)
    assert not any("loss" in line for line in outcomes[1].history if line["event"] == "update")
    assert summed[0]["sites"] == tuple(site.name for site in problem.sites)
    assert [site.calls[-5:] for site in problem.sites] == [[(0, 3), *((v, 1) for v in range(1, 5))]] * 5


def test_a_site_that_fails_is_left_out_and_comes_back(
    problem: Problem, settings: Settings, tmp_path: Path
) -> None:
    sites = [Failing(site, 1) if site.name == "site2" else site for site in problem.sites]
    models = {}
    for name, chosen in (("plain", settings(**RULES)), ("secure", secured(settings(**RULES)))):
        folder = RecordingSettings(checkpoints=tmp_path / name)
        outcome = federate(chosen, sites, problem.initial, recording=folder)
        assert federate(chosen, sites, problem.initial, recording=folder).model.keys() == outcome.model.keys()
        models[name] = outcome.model
    np.testing.assert_allclose(models["secure"]["weight"], models["plain"]["weight"], atol=1e-5)
    record = (tmp_path / "secure" / "checkpoint.json").read_text()
    assert '"samples": null' in record and '"label_counts": null' in record
    assert [len(line["sites"]) for line in outcome.history if line["event"] == "barrier"] == [5, 4, 5, 5, 5]


def test_fewer_than_three_sites_end_the_federation(problem: Problem, settings: Settings) -> None:
    sites = [Failing(site, *range(1, 99)) if site.name > "site1" else site for site in problem.sites]
    outcome = federate(secured(settings(**RULES)), sites, problem.initial)
    assert outcome.reason == "fewer than 3 sites are left, too few for a masked sum"
    assert outcome.barriers == 1
    with pytest.raises(ConfigError, match="needs 3 to 4096 sites, and there are 2"):
        federate(secured(settings(**RULES)), problem.sites[:2], problem.initial)
    with pytest.raises(ConfigError, match="secure = true hides the single models"):
        ensemble = Ensemble({site.name: "a" for site in problem.sites})
        federate(secured(settings(**RULES)), problem.sites, problem.initial, ensemble=ensemble)


def test_an_update_that_cannot_be_bounded_fails_its_site_alone(problem: Problem, settings: Settings) -> None:
    problem.sites[3].inputs[0, 0] = np.nan
    with np.errstate(all="ignore"):
        outcome = federate(secured(settings(**RULES)), problem.sites, problem.initial)
    failed = [line for line in outcome.history if line["event"] == "failed"]
    assert {line["site"] for line in failed} == {"site3"}
    assert outcome.barriers == 5


@pytest.mark.parametrize("leaves", [30.05, 31.05, 32.05, 33.05, 34.05])
def test_outages_in_the_middle_of_a_sum(problem: Problem, settings: Settings, leaves: float) -> None:
    """With a latency of half a second a step of the sum takes a second; two sites go between any two steps."""
    for site in problem.sites:
        site.speed = len(site.targets) * 3 / 29.0  # the first sum begins at 30 s
    links = {
        site.name: SimulatedLink(
            latency=0.5, outages=((leaves, leaves + 100.0),) if site.name > "site2" else ()
        )
        for site in problem.sites
    }
    chosen = secured(settings(barriers=1, **RULES))
    network = SimulatedNetwork(links, chosen.federation, seed=1, secure=True)
    outcome = federate(chosen, problem.sites, problem.initial, network=network)
    [barrier] = [line for line in outcome.history if line["event"] == "barrier"]
    count = 3 if leaves < 32 else 5
    assert len(barrier["sites"]) == count
    plain = federate(settings(barriers=1, **RULES), problem.sites[:count], problem.initial)
    np.testing.assert_allclose(outcome.model["weight"], plain.model["weight"], atol=1e-5)


HYBRID = {"schedule": "hybrid", "buffer": 3, "clip": 10.0}
SEVEN = (120, 60, 200, 90, 150, 80, 110)  # samples of the sites


def test_groups_that_train_from_one_model_make_the_plain_rule_s_barrier(
    make_problem: Callable[..., Problem], settings: Settings
) -> None:
    """At equal pace the first buffer and the rest each make a sum, and the barrier is FedKL's mean over all sites."""
    problem = make_problem(sizes=SEVEN, speeds=[size / 100 for size in SEVEN])
    plain = federate(settings(barriers=1, schedule="sync"), problem.sites, problem.initial)
    outcome = federate(secured(settings(barriers=1, **HYBRID)), problem.sites, problem.initial)
    for name, tensor in plain.model.items():
        np.testing.assert_allclose(outcome.model[name], tensor, atol=1e-5)
    steps = [line for line in outcome.history if line["event"] == "step"]
    assert [line["sites"] for line in steps] == [tuple(site.name for site in problem.sites[:3])]
    [barrier] = [line for line in outcome.history if line["event"] == "barrier"]
    assert barrier["loss"] == pytest.approx(plain.history[-2]["loss"], abs=2e-5)


def test_fast_sites_train_more_often_and_the_model_is_as_good(
    make_problem: Callable[..., Problem], settings: Settings
) -> None:
    problem = make_problem(sizes=SEVEN, speeds=(8.0, 4.0, 14.0, 1.0, 1.5, 0.8, 1.1))
    outcome = federate(secured(settings(barriers=3, **HYBRID)), problem.sites, problem.initial)
    trained = {site.name: len(site.calls) for site in problem.sites}
    assert min(trained[f"site{n}"] for n in (0, 1, 2)) > 2 * max(trained[f"site{n}"] for n in (3, 4, 5, 6))
    steps = [line for line in outcome.history if line["event"] == "step"]
    assert {line["sites"] for line in steps} == {("site0", "site1", "site2")}
    assert not any(line.keys() & {"weights", "losses"} for line in outcome.history)
    sync = federate(
        secured(settings(barriers=3, **RULES)), make_problem(sizes=SEVEN, speeds=SEVEN).sites, problem.initial
    )
    accuracy = [problem.evaluate(one.model)["accuracy"] for one in (outcome, sync)]
    assert accuracy[0] > accuracy[1] - 0.02


@pytest.mark.parametrize("leaves", [8.0, 22.0, 30.2, 31.2, 32.2, 33.2])
def test_outages_of_a_group_leave_the_others_right(
    make_problem: Callable[..., Problem], settings: Settings, leaves: float
) -> None:
    """Two of three fast sites go while they train, or between two steps of the slow sites' sum."""
    problem = make_problem(sizes=SEVEN, speeds=SEVEN)
    links = {}
    for number, site in enumerate(problem.sites):
        site.speed = len(site.targets) * 3 / (5.0 if number < 3 else 29.0)
        lost = ((leaves, leaves + 100.0),) if number in (1, 2) else ()
        links[site.name] = SimulatedLink(latency=0.5, outages=lost)
    chosen = secured(settings(barriers=1, **HYBRID))
    network = SimulatedNetwork(links, chosen.federation, seed=1, secure=True)
    outcome = federate(chosen, problem.sites, problem.initial, network=network)
    [barrier] = [line for line in outcome.history if line["event"] == "barrier"]
    steps = [line for line in outcome.history if line["event"] == "step"]
    # At 8 s the first sum of the fast sites runs; the one that is left then trains again, to be summed with the slow.
    names = [site.name for site in problem.sites]
    assert barrier["sites"] == tuple(names if steps else [names[0], *names[3:]])
    assert bool(steps) == (leaves > 10)
    assert len(problem.sites[3].calls) == 1  # nothing of the others is lost
