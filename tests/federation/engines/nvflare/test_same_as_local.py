"""Real processes and the local engine: the same model after a synchronous federation."""

from __future__ import annotations

import numpy as np
import pytest
from deployment import Deployment, ended, with_rules

from fedbragg.federation import federate

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("aggregation", ["fedavg", "fedkl", "median"])
def test_a_synchronous_federation_ends_with_the_local_engines_model(
    three: Deployment, make_problem, aggregation: str
) -> None:
    settings = with_rules(three.settings, aggregation=aggregation)
    problem = make_problem()
    local = federate(settings, problem.sites[:3], problem.initial)
    account = three.account()
    account.start(settings, restart=True)
    status = ended(account)
    model = account.model()
    assert status["ended"] == local.reason
    for name, tensor in local.model.items():
        np.testing.assert_allclose(model[name], tensor, rtol=0, atol=1e-5)
    weights = [line["weights"] for line in local.history if line["event"] == "barrier"]
    assert [line["weights"] for line in status["history"] if line["event"] == "barrier"] == weights


def test_half_precision_takes_2_bytes_a_number_in_place_of_8(three: Deployment) -> None:
    cost = {}
    account = three.account()
    for compression in ("full", "half"):
        account.start(with_rules(three.settings, compression=compression, barriers=1), restart=True)
        status = ended(account)
        cost[compression] = sum(line["bytes"] for line in status["history"] if line["event"] == "update")
        assert all(row["received"] > 0 for row in status["sites"])
    assert cost == {"full": 3 * (8 * 3 + 3) * 8, "half": 3 * (8 * 3 + 3) * 2}


def test_in_the_hybrid_schedule_fast_sites_do_not_wait_for_slow_ones(three: Deployment) -> None:
    (three.folder / "site0.pause").write_text("1.0")
    account = three.account()
    account.start(with_rules(three.settings, schedule="hybrid", barriers=2), restart=True)
    history = ended(account)["history"]
    by_site = [line["site"] for line in history if line["event"] == "update"]
    assert by_site.count("site1") > by_site.count("site0")  # the fast do not wait for the slow
    barriers = [line for line in history if line["event"] == "barrier"]
    assert all(set(line["losses"]) == {"site0", "site1", "site2"} for line in barriers)
