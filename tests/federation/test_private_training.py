"""Private training in a federation: settings, noise, cost at each barrier, and the site's record of spent epsilon."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from fedbragg.config import Federation
from fedbragg.errors import BudgetSpent, ConfigError, FederationError
from fedbragg.federation.plan import check_settings
from fedbragg.federation.privacy_ledger import Budget, Entry, PrivacyLedger, within_budget
from fedbragg.federation.private_training import cost_of, epsilon_after, private_terms, promise
from fedbragg.learn.accounting import SampledNoise, epsilon_of
from fedbragg.types import State, Update

pytest.importorskip("dp_accounting", reason="pip install 'fedbragg[private]'")


def private(**sections: dict[str, object]) -> Federation:
    federation = {"schedule": "sync", "barriers": 3, **sections.pop("federation", {})}
    table = {"privacy": {"epsilon": 2.0}, "training": {"warmup_epochs": 2, "epochs": 1}, **sections}
    return Federation.model_validate(
        {**table, "federation": federation, "sites": [{"name": "a", "runs": ["-"], "labels": "-"}]}
    )


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"federation": {"schedule": "hybrid"}}, "how often a site trains"),
        ({"federation": {"schedule": "async"}}, "how often a site trains"),
        ({"style": {"share": "statistics"}}, "no noise to a style"),
        ({"training": {"precision": "bfloat16"}}, "in float32"),
    ],
)
def test_settings_that_cannot_keep_the_promise_are_refused(sections, reason: str) -> None:
    with pytest.raises(ConfigError, match=rf"f.toml \[privacy\]: epsilon .*{reason}"):
        check_settings(private(**sections), "f.toml")


def test_the_whole_federation_costs_at_most_epsilon_and_each_barrier_a_part() -> None:
    settings = private()
    check_settings(settings)
    spent = [epsilon_after(settings, barriers) for barriers in (0, 1, 2, 3)]
    assert spent[0] == 0
    assert sorted(spent) == spent
    assert 1.98 < spent[3] <= 2.0
    terms = private_terms(settings)
    # 2 + 1 + 1 epochs of 4 steps each, at a rate of a quarter.
    assert spent[3] == epsilon_of([SampledNoise(0.25, terms.noise, 16)], 1e-5)
    assert "at most epsilon 2 at delta 1e-05 for each run or crystal" in promise(settings)


def test_without_epsilon_nothing_is_promised() -> None:
    settings = private(privacy={})
    assert private_terms(settings) is None
    assert epsilon_after(settings, 3) is None
    with pytest.raises(ConfigError, match="no promise"):
        promise(settings)


@dataclass
class Counting:
    """A trainer that counts its trainings."""

    name: str = "a"
    speed: float = 1.0
    samples: int = 10
    trained: int = 0

    def train(self, model: State, version: int, epochs: int) -> Update:
        self.trained += 1
        return Update(self.name, version, {}, 10, ((5, 5),), 0.5)


def test_a_site_stops_before_the_budget_is_passed() -> None:
    inner = Counting()
    trainer = within_budget(private(), inner)
    for version, epochs in enumerate([2, 1, 1]):
        trainer.train({}, version, epochs)
    with pytest.raises(BudgetSpent, match=r"epsilon would be 2.*of the federation is 2"):
        trainer.train({}, 3, 1)
    assert inner.trained == 3


def test_a_server_that_asks_for_more_epochs_gets_nothing() -> None:
    inner = Counting()
    with pytest.raises(BudgetSpent):
        within_budget(private(), inner).train({}, 0, 1000)
    assert inner.trained == 0


def test_the_record_outlives_a_restart_and_counts_all_federations(tmp_path: Path) -> None:
    path, cost = tmp_path / "epsilon.json", SampledNoise(0.25, 3.0, 20)
    limit = Budget(epsilon_of([cost, cost], 1e-5), 1e-5, None, "this site's own limit")
    for federation in ("one", "two"):
        PrivacyLedger(path).take(Entry(federation, cost), [limit])
    with pytest.raises(BudgetSpent, match="this site's own limit is"):
        PrivacyLedger(path).take(Entry("three", cost), [limit])
    assert [line["federation"] for line in json.loads(path.read_text())] == ["one", "two"]
    assert PrivacyLedger(path).spent(1e-5) == limit.epsilon
    assert PrivacyLedger(path).spent(1e-5, "one") == epsilon_of([cost], 1e-5)


def test_a_damaged_record_stops_private_training(tmp_path: Path) -> None:
    path = tmp_path / "epsilon.json"
    path.write_text('[{"federation": "one", "ra')
    with pytest.raises(FederationError, match="Restore it from a copy"):
        PrivacyLedger(path)


def test_one_training_costs_its_steps() -> None:
    terms = private_terms(private())
    assert cost_of(terms, 3) == SampledNoise(0.25, terms.noise, 12)
