"""Real processes and the local engine: the same model after a synchronous federation."""

from __future__ import annotations

import numpy as np
import pytest
from deployment import Deployment, ended

from fedbragg.config import Federation
from fedbragg.federation import federate

pytestmark = pytest.mark.slow


def with_rules(settings: Federation, **rules: object) -> Federation:
    return settings.model_copy(update={"federation": settings.federation.model_copy(update=rules)})


@pytest.mark.parametrize("aggregation", ["fedavg", "fedkl", "median"])
def test_a_synchronous_federation_ends_with_the_local_engines_model(
    three: Deployment, make_problem, aggregation: str
) -> None:
    settings = with_rules(three.settings, aggregation=aggregation)
    problem = make_problem()
    here = federate(settings, problem.sites[:3], problem.initial)
    account = three.account()
    account.start(settings, anew=True)
    told = ended(account)
    model = account.model()
    assert told["ended"] == here.reason
    for name, tensor in here.model.items():
        np.testing.assert_allclose(model[name], tensor, rtol=0, atol=1e-5)
    weights = [line["weights"] for line in here.history if line["event"] == "barrier"]
    assert [line["weights"] for line in told["history"] if line["event"] == "barrier"] == weights


def test_half_precision_halves_the_bytes_and_they_are_told(three: Deployment) -> None:
    cost = {}
    account = three.account()
    for travel in ("full", "half"):
        account.start(with_rules(three.settings, compression=travel, barriers=1), anew=True)
        told = ended(account)
        cost[travel] = sum(line["bytes"] for line in told["history"] if line["event"] == "update")
        assert all(row["received"] > 0 for row in told["sites"])
    assert cost == {"full": 3 * (8 * 3 + 3) * 8, "half": 3 * (8 * 3 + 3) * 2}


def test_the_hybrid_schedule_goes_its_way(three: Deployment) -> None:
    (three.folder / "site0.pause").write_text("1.0")
    account = three.account()
    account.start(with_rules(three.settings, schedule="hybrid", barriers=2), anew=True)
    history = ended(account)["history"]
    by_site = [line["site"] for line in history if line["event"] == "update"]
    assert by_site.count("site1") > by_site.count("site0")  # the fast do not wait for the slow
    barriers = [line for line in history if line["event"] == "barrier"]
    assert all(set(line["losses"]) == {"site0", "site1", "site2"} for line in barriers)
