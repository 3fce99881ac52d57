"""A site's own page: `fedbragg join --page` beside real sites, used in a real browser with the keyboard alone."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from deployment import Deployment, barriers, ended, lasting, printed, wait_for_barrier
from waiting import wait_for

from fedbragg.federation.engines.remote.audit import read_audit, totals
from fedbragg.federation.engines.remote.protocol import split_message

sys.path.append(str(Path(__file__).parents[3] / "cli"))

from browser import CHROMIUM, Tab, browser, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
]
ALL = {"site0", "site1", "site2"}


@pytest.fixture
def tab() -> Iterator[Tab]:
    with browser() as opened:
        yield opened


def restarted(deployment: Deployment, site: str) -> str:
    """Start a site's client with a page in place of the one that runs, and return the page's address."""
    deployment.kill(site)
    before = len(deployment.output(site))
    deployment.start(site, FEDBRAGG_TEST_JOIN="--page")
    said = wait_for(
        lambda: "connected" in (text := deployment.output(site)[before:]) and text, "the page", 60
    )
    return next(line.split()[1] for line in said.splitlines() if line.startswith("page"))


def text(tab: Tab, name: str) -> str:
    found: str = tab.run(f"document.getElementById('{name}').textContent")
    return found


def posted(address: str, **headers: str) -> int:
    """Return the status of a POST to the page's leave."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request("POST", f"{parts.path}leave", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_page_shows_what_leaves_and_its_button_ends_the_client(three: Deployment, tab: Tab) -> None:
    address, kit = restarted(three, "site2"), three.kit("site2")
    tab.open(address)
    until(tab, "document.documentElement.dataset.ready")
    assert text(tab, "site") == "site2"
    # The federation of an earlier test may still be at the server, ended.
    until(
        tab,
        "/^(connected; no federation for this site runs|the federation has ended)/.test(doing.textContent)",
    )

    account = three.account()
    account.start(lasting(three, 0.5, barriers=1000, patience=1000), restart=True)
    wait_for_barrier(account, 2)
    until(tab, "/in the last one/.test(ahead.textContent)")  # the record may hold updates of earlier tests

    # What was announced is what left: the tensors' bytes exactly, the record's sizes and hashes to the byte.
    update = (kit / "site/work/update").read_bytes()
    document = len(split_message(update, "", "")[1])
    assert f"Each round: 2 tensors in {document} bytes" in text(tab, "ahead")
    others = int(tab.run(r"/(\d+) in the last one/.exec(ahead.textContent)[1]"))
    assert others == pytest.approx(len(update) - document, abs=40)  # a later update may have other digits
    cells = tab.run("[...document.querySelectorAll('#tensors tbody td')].map((cell) => cell.textContent)")
    assert cells == ["bias", "float64", "3", "24", "weight", "float64", "8 × 3", "192"]
    entries = read_audit(kit / "site/sent.jsonl").entries
    record = {
        entry["sha256"]: entry["bytes"] for entry in entries if "bytes" in entry
    }  # others had no answer
    rows = tab.run(
        "[...document.querySelectorAll('#rows tr')].map((row) => [row.dataset.sha256, row.dataset.bytes])"
    )
    assert len(rows) > 4
    assert {sha256: int(size) for sha256, size in rows if size}.items() <= record.items()
    assert "the server" in text(tab, "federation-rules")
    assert tab.run(
        "document.querySelector('#rows [data-topic=update] td:nth-child(2)').textContent"
    ).isdigit()

    host = address.split("/")[2]
    loaded = tab.run("performance.getEntriesByType('resource').map((each) => each.name)")
    assert all(each.split("/")[2] == host for each in loaded)
    tab.resize(420)
    assert tab.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    tab.resize(1120, 1000)

    # Another page, or who lacks the token, cannot have it leave.
    origin = f"http://{host}"
    assert posted(address, Origin="http://elsewhere.example") == 404
    assert posted(address) == 404
    assert posted(f"{origin}/no-token/", Origin=origin) == 404
    assert three.processes["site2"].poll() is None

    # Leave, with the keyboard alone; the first Enter in the dialog stays.
    until(tab, "!leave.disabled")
    tab.press("Tab")
    assert tab.run("document.activeElement.id") == "leave"
    tab.press("Enter")
    assert tab.run("document.activeElement.id") == "stay"
    tab.press("Enter")
    assert not tab.run("sure.open")
    tab.press("Enter")
    tab.press("Tab")
    assert tab.run("document.activeElement.id") == "leave-now"
    tab.press("Enter")
    assert three.processes["site2"].wait(20) == 0
    assert three.output("site2").endswith("left the federation; the server knows\n")
    until(
        tab,
        "['left the federation; the server knows', 'fedbragg join has ended'].includes(doing.textContent)",
    )
    assert tab.run("leave.disabled")

    # The server heard of it, and the round goes on without the site.
    wait_for(lambda: barriers(account.status())[-1] == ALL - {"site2"}, "a barrier of the others")
    account.stop()
    status = ended(account)
    assert "site2: left: its client was ended" in printed(status)
    complaints = [line for line in tab.complaints if "ERR_" not in line]  # the connection that ended
    assert complaints == []
    entries = read_audit(kit / "site/sent.jsonl").entries
    assert totals(entries)["leave"][0] >= 1
