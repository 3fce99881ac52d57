"""Peers of different protocol versions over FLARE's connections: each side says so in one line."""

from __future__ import annotations

import pytest
from deployment import Account, Deployment, barriers, ended, with_rules
from waiting import wait_for

from fedbragg.errors import FederationError
from fedbragg.federation.engines.remote.protocol import PROTOCOL

pytestmark = pytest.mark.slow
OTHER = PROTOCOL + 1
REMEDY = "install the same version of fedbragg on all machines of the federation"


def test_a_site_of_another_version_is_refused_and_the_others_go_on(three: Deployment) -> None:
    three.kill("site2")
    before = len(three.output("site2"))  # of its earlier processes
    three.start("site2", FEDBRAGG_TEST_PROTOCOL=str(OTHER))
    account = three.account()
    account.start(with_rules(three.settings, deadline=8.0, barriers=1), restart=True)
    problem = wait_for(lambda: account.status().get("sites") and account.problem("site2"), "the refusal")
    assert problem == f"the site uses protocol version {OTHER}, the server version {PROTOCOL}; {REMEDY}"
    assert barriers(ended(account)) == [{"site0", "site1"}]
    said = f"the server uses protocol version {PROTOCOL}, this site version {OTHER}; {REMEDY}"
    assert three.output("site2")[before:].count(said) == 1  # once, though it polls on
    three.kill("site2")


def test_an_account_of_another_version_is_refused(three: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDBRAGG_TEST_PROTOCOL", str(OTHER))
    account = Account(three.kit("guest"), 30.0)
    with pytest.raises(FederationError) as refusal:
        account.status()
    account.close()
    assert str(refusal.value) == (
        f"the server uses protocol version {PROTOCOL}, this account version {OTHER}; {REMEDY}"
    )
