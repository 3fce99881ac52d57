"""The live page of a watch in a real browser, its metrics, and the lines of JSON, while a detector sends."""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from browser import CHROMIUM, Tab, until
from commands import Refused
from watching import detector, watching

sys.path.append(str(Path(__file__).parents[1] / "live"))

from messages import Series
from test_connection import free_address

pytestmark = pytest.mark.slow
needs_browser = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*) (NaN|[+-]?[0-9.]+(e[+-]?[0-9]+)?)")


def text(tab: Tab, name: str) -> str:
    found: str = tab.run(f"document.getElementById('{name}').innerText")
    return found


def samples(exposition: str) -> dict[str, float]:
    """Read Prometheus' text format 0.0.4, strictly: help, type and sample of each metric, in this order."""
    assert exposition.endswith("\n")
    lines, found = exposition.splitlines(), {}
    for about, kind, sample in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        matched = SAMPLE.fullmatch(sample)
        assert matched, sample
        name = matched[1]
        assert about.startswith(f"# HELP {name} ")
        assert kind in (f"# TYPE {name} counter", f"# TYPE {name} gauge")
        assert name.endswith("_total") == kind.endswith("counter")
        assert name not in found
        found[name] = float(matched[2])
    return found


def asked(address: str, **headers: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
            return answer.status, answer.headers["content-type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, "", error.read().decode()


@needs_browser
def test_the_page_shows_a_series_as_it_comes(chromium: Tab, tmp_path: Path) -> None:
    address, series = free_address(), Series("grid-scan", 30)
    options = ("--page", "0", "--grid", "5x6", "--ndjson", str(tmp_path / "lines.ndjson"))
    with detector(address) as send, watching(tmp_path, address, *options) as watch:
        watch.wait_for(lambda: "page        http://127.0.0.1:" in watch.said and watch.said.endswith("\n"))
        page = watch.said.split()[1]
        chromium.open(page, 1200, 900)
        until(chromium, "document.documentElement.dataset.frames === '0'")
        assert text(chromium, "series") == f"Waiting for a series from {address} …"
        send([series.start, *map(series.image, [*range(12), *range(15, 30)])])
        until(chromium, "document.documentElement.dataset.frames === '27'")
        until(chromium, "document.getElementById('map').dataset.scored === '27'")
        assert text(chromium, "series") == "grid-scan"
        assert (text(chromium, "missing"), text(chromium, "unscored")) == ("3", "0")
        assert chromium.run("document.getElementById('missing-box').classList.contains('wrong')")
        verdicts = watch.verdicts("grid-scan")
        kept = sum(verdict.keep for verdict in verdicts)
        assert text(chromium, "hit-rate") == f"{100 * kept / 27:.1f} %"
        shown = chromium.run("[...document.querySelectorAll('#hits li')].map((hit) => hit.innerText)")
        assert shown
        for hit in shown:
            number, score, spots = re.findall(r"grid-scan (\d+) · score ([\d.]+) · (\d+) spots", hit)[0]
            verdict = next(verdict for verdict in verdicts if verdict.index == int(number))
            assert verdict.keep
            assert (f"{verdict.score:.3f}", str(verdict.spot_count)) == (score, spots)
        until(chromium, "[...document.images].every((image) => image.complete && image.naturalWidth === 90)")
        labels = chromium.run("[...document.querySelectorAll('svg[role=img]')].map((each) => each.ariaLabel)")
        assert labels[0].startswith("Histogram of 27 scores")
        host = page.split("/")[2]
        loaded = chromium.run("performance.getEntriesByType('resource').map((each) => each.name)")
        assert all(each.split("/")[2] == host for each in loaded)
        chromium.picture(tmp_path / "wide.png", whole=True)
        chromium.resize(420, 900)
        assert chromium.run("document.documentElement.scrollWidth") <= 420
        chromium.picture(tmp_path / "narrow.png", whole=True)

        status, kind, content = asked(f"http://{host}/metrics")
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        figures = samples(content)
        assert (figures["fedbragg_frames_total"], figures["fedbragg_kept_total"]) == (27, kept)
        assert figures["fedbragg_missing_frames"] == 3
        assert figures["fedbragg_queue_places"] == 16
        assert asked(f"http://{host}/metrics", Host="elsewhere.example")[0] == 404
        assert asked(f"http://{host}/events")[0] == 404  # without the token

        send([series.end])
        until(chromium, "document.getElementById('over').innerText.startsWith('grid-scan: 27 frames')")
        assert watch.ended(signal.SIGTERM) == 128 + signal.SIGTERM
        until(chromium, "document.getElementById('state').textContent === 'the watch has ended'")
    assert chromium.complaints == []
    rows = [json.loads(line) for line in (tmp_path / "lines.ndjson").read_text().splitlines()]
    assert [row["image"] for row in rows] == [verdict.index for verdict in verdicts]


def test_the_latest_frames_are_shown_and_nothing_is_written(tmp_path: Path, refused_here: Refused) -> None:
    address, series = free_address(), Series("s", 300, (400, 400), compression="none")
    line = refused_here("watch", address, "--latest", "--page", "0", "--record", tmp_path / "r", "--nxmx")
    assert line == "--latest leaves frames out by chance, so it only shows them. Leave out --record, --nxmx."
    assert refused_here("watch", address, "--latest").endswith("Add --page 0.")
    assert "Leave out --out" in refused_here("watch", address, "--latest", "--out", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert "cannot listen there" in refused_here("watch", address, "--page", str(port))
    image = series.image(0)
    with (
        detector(address) as send,
        watching(tmp_path, address, "--latest", "--page", "0", out=False) as watch,
    ):
        watch.wait_for(lambda: watch.said.endswith("/\n"))
        send([series.start, *[image] * 300])
        deadline = time.monotonic() + 60
        metrics = f"http://{watch.said.split('/')[2]}/metrics"
        while samples(asked(metrics)[2])["fedbragg_frames_total"] == 0:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(0.5)
        assert samples(asked(metrics)[2])["fedbragg_frames_total"] < 300
        assert watch.ended(signal.SIGINT) == 128 + signal.SIGINT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["errors.txt", "said.txt"]
