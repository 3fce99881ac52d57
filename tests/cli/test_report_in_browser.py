"""The reports in a real browser: whole, with pictures, without a complaint."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import shutil
import signal
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from commands import Trained, done

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=5000",
    "--window-size=1200,900",
)
PROBE = """
<script>
window.addEventListener("load", () => {
  const widths = [...document.images].map((image) => image.naturalWidth);
  const drawn = [...document.querySelectorAll("svg")].map((svg) => Math.round(svg.getBoundingClientRect().width));
  const wide = document.documentElement.scrollWidth > window.innerWidth;
  const cut = [...document.querySelectorAll(".scroll")].some((box) => box.scrollWidth > box.clientWidth);
  document.body.dataset.seen = JSON.stringify({ widths, drawn, wide, cut });
});
</script>
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
]


def seen(page: Path, folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Open a copy of a page that says what the browser made of it; return that, and what the console says."""
    copy = folder / "probed.html"
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", PROBE + "</body>"), encoding="utf-8")
    profile = folder / "profile"
    command = [str(CHROMIUM), *QUIET, f"--user-data-dir={profile}", "--dump-dom", copy.as_uri()]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as browser:
        try:
            dom, log = browser.communicate(timeout=90)
        finally:
            _end(browser.pid)
    shutil.rmtree(profile, ignore_errors=True)
    found = re.search(r'data-seen="([^"]*)"', dom)
    assert found, log[-2000:]
    console = [line for line in log.splitlines() if "CONSOLE" in line]
    return json.loads(unescape(found[1])), console


def _end(group: int) -> None:
    """End what the browser may have left running; the group is ours alone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def test_the_report_of_a_screening(trained: Trained, tmp_path: Path) -> None:
    given = ("screen", trained.run, "--model", trained.model, "--out", tmp_path / "out", "--grid", "8x5")
    done(*given)
    with (tmp_path / "out" / "verdicts.csv").open(encoding="utf-8") as table:
        scores = sorted(float(row["score"]) for row in csv.DictReader(table))
    done(*given, "--threshold", str((scores[19] + scores[20]) / 2))  # half of the 40 are hits
    made, console = seen(tmp_path / "out" / "report.html", tmp_path)
    assert console == []
    assert made["widths"] == [256] * 18  # three galleries of six frames of 256 pixels
    assert len(made["drawn"]) == 3  # scores, rate along the run, grid
    assert min(made["drawn"]) > 300
    assert not made["wide"]  # nothing sticks out to the side


def test_the_report_of_a_federation(trained: Trained, tmp_path: Path) -> None:
    made, console = seen(trained.folder / "first" / "report.html", tmp_path)
    assert console == []
    assert made["widths"] == []
    assert len(made["drawn"]) == 2
    assert min(made["drawn"]) > 300
    assert not made["wide"]
    assert not made["cut"]  # the widest table, of all metrics with their intervals, fits into 1,200 pixels


def test_the_report_of_a_calibration(trained: Trained, tmp_path: Path) -> None:
    arguments = ("--labels", trained.labels, "--max-loss", "0.3", "--out", tmp_path / "model.onnx")
    done("calibrate", trained.run, *arguments)
    made, console = seen(tmp_path / "model.html", tmp_path)
    assert console == []
    assert made["widths"] == []
    assert len(made["drawn"]) == 2
    assert min(made["drawn"]) > 300
    assert not made["wide"]


def test_the_probe_itself_sees_a_lost_picture_and_hears_a_fault(tmp_path: Path) -> None:
    """A page with a fault and a picture that is not there, so that the tests above can fail."""
    page = tmp_path / "page.html"
    wide = '<div style="overflow-x: auto" class="scroll"><p style="width: 3000px">wide</p></div>'
    text = f'{wide}<img src="none.png"><script>undefinedName()</script>'
    page.write_text(f"<!doctype html><html><body>{text}</body></html>", encoding="utf-8")
    made, console = seen(page, tmp_path)
    assert made["widths"] == [0]
    assert made["cut"]
    assert any("undefinedName" in line for line in console)
