"""A site's page in a real browser: the record of what has left, and what private trainings have told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Tab, browser, until

from fedbragg.federation.engines.remote.audit_log import SENT, AuditLog
from fedbragg.federation.engines.remote.protocol import Message, encode_message
from fedbragg.federation.engines.remote.site_config import SiteConfig
from fedbragg.review.site_page import site_application
from fedbragg.review.site_state import ShownSite, SiteState
from fedbragg.web.serving import Listening, served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
]
SEEN = ".filter((cell) => cell.checkVisibility()).map((cell) => cell.textContent)"
HEADINGS = f"[...document.querySelectorAll('#record th')]{SEEN}"
NEWEST = f"[...rows.rows[0].cells]{SEEN}"


@pytest.fixture
def tab() -> Iterator[Tab]:
    with browser() as opened:
        yield opened


def sent(log: AuditLog, number: int, **known: float) -> None:
    log.message("north", "update", encode_message(Message({"samples": number})), {"version": number, **known})


def test_the_record_has_a_column_for_epsilon_where_training_is_private(tmp_path: Path, tab: Tab) -> None:
    log, own = AuditLog(tmp_path / SENT), SiteConfig.model_validate({"runs": ["-"], "labels": "-"})
    sent(log, 1)
    state = SiteState(ShownSite("north", "server:1", tmp_path, own))
    application = lambda admission, over: site_application(state, lambda: None, admission, over)  # noqa: E731
    with served(application, Listening("127.0.0.1", 0, None, None)) as address:
        tab.open(address)
        until(tab, "rows.rows.length === 1")
        assert tab.run(HEADINGS) == ["time", "version", "message", "fields", "tensors", "bytes", "SHA-256"]
        assert tab.run(NEWEST)[1:4] == ["1", "update", "samples"]

        sent(log, 2, epsilon=0.0)
        until(tab, "rows.rows.length === 2")
        assert tab.run(HEADINGS)[:4] == ["time", "version", "epsilon", "message"]
        assert tab.run(NEWEST)[1:4] == ["2", "0", "update"]
        sent(log, 3, epsilon=1.23456)
        until(tab, "rows.rows.length === 3")
        assert tab.run(NEWEST)[1:4] == ["3", "1.23", "update"]
        assert "for one run or crystal" in tab.run("document.body.innerText")
        tab.resize(420)
        assert tab.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert tab.complaints == []
