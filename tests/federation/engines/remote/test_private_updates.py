"""A real site counts what its private trainings tell, and stops before a limit is passed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from in_process import InProcessFederation, barriers, failures, settings

from fedbragg.errors import BudgetSpent, FederationError
from fedbragg.federation.engines.remote.audit_log import SENT
from fedbragg.federation.engines.remote.private_updates import PrivateUpdates
from fedbragg.federation.engines.remote.site_config import Limits

pytest.importorskip("dp_accounting", reason="pip install 'fedbragg[private]'")


def private(epsilon: float = 2.0, **rules: Any) -> dict[str, Any]:
    return {**settings(**rules), "privacy": {"epsilon": epsilon, "sampling_rate": 0.5}}


def without_sites(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in ("sites", "server")}


def test_a_site_takes_part_up_to_its_own_limit(federation: InProcessFederation) -> None:
    federation.join("site0", "[limits]\nepsilon = 1.0\n")
    federation.join("site1", "[limits]\nepsilon = 2.5\n")
    federation.start(private(2.0))
    status = federation.ended()
    assert failures(status) == [
        "site0: this site takes part only with [privacy] epsilon of at most 1 (its own limit)"
    ]
    assert barriers(status) == [{"site1"}] * 2
    spent = [line["epsilon"] for line in status["history"] if line["event"] == "barrier"]
    assert 0 < spent[0] < spent[1] <= 2.0
    said = "\n".join(federation.said["site1"])
    assert "at most epsilon 2 at delta 1e-05 for each run or crystal" in said
    assert "spent so far 0 of 2.5" in said
    record = json.loads((federation.folder / "site1" / "epsilon.json").read_text())
    assert [line["steps"] for line in record] == [2, 2]
    left = [json.loads(line) for line in (federation.folder / "site1" / SENT).read_text().splitlines()]
    epsilons = [line["epsilon"] for line in left if line["topic"] == "update"]
    assert epsilons == pytest.approx(spent)


def test_a_site_with_a_limit_refuses_a_federation_without_noise(federation: InProcessFederation) -> None:
    federation.join("site0", "[limits]\nepsilon = 1.0\n")
    federation.join("site1")
    federation.start()
    status = federation.ended()
    assert "only with [privacy] epsilon" in failures(status)[0]
    assert barriers(status) == [{"site1"}] * 2


def test_a_round_beyond_the_limit_of_all_federations_is_refused(tmp_path: Path) -> None:
    limits, table = Limits(epsilon=2.2), without_sites(private(2.0))
    first = PrivateUpdates(limits, tmp_path)
    assert "spent so far 0 of 2.2" in first.enter("one", table)
    first.take(1)
    first.take(1)
    with pytest.raises(BudgetSpent, match="of the federation is 2"):
        first.take(1)
    second = PrivateUpdates(limits, tmp_path)  # after a restart, and in another federation
    assert "spent so far 1.99 of 2.2" in second.enter("two", table)
    with pytest.raises(BudgetSpent, match=r"this site.s own limit is 2\.2"):
        second.take(1)


def test_without_the_package_that_counts_the_site_takes_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedbragg.extras._installed", lambda package: package != "dp_accounting")
    with pytest.raises(FederationError, match=r"fedbragg\[private\]"):
        PrivateUpdates(Limits(), tmp_path).enter("one", without_sites(private()))
