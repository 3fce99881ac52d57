"""The reports in a real browser, as wide as a screen and as a telephone: complete, with pictures, without errors."""

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
from browser import CHROMIUM, QUIET
from commands import Trained, done

OPTIONS = ("--headless", *QUIET, "--enable-logging=stderr", "--virtual-time-budget=5000")
PROBE = """
<script>
window.addEventListener("load", () => {
  const widths = [...document.images].map((image) => image.naturalWidth);
  const drawn = [...document.querySelectorAll("svg")].map((svg) => Math.round(svg.getBoundingClientRect().width));
  const wide = document.documentElement.scrollWidth > window.innerWidth;
  const cut = [...document.querySelectorAll(".scroll")].some((box) => box.scrollWidth > box.clientWidth);
  document.body.dataset.seen = JSON.stringify({ widths, drawn, wide, cut, inner: window.innerWidth });
});
</script>
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
]


def opened(page: Path, folder: Path, width: int = 1200) -> tuple[dict[str, Any], list[str]]:
    """Open a copy of a page with a probe in it; return what the probe measured, and the lines of the console."""
    copy = folder / "probed.html"
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", PROBE + "</body>"), encoding="utf-8")
    profile = folder / "profile"
    options = (*OPTIONS, f"--window-size={width},900", f"--user-data-dir={profile}")
    command = [str(CHROMIUM), *options, "--dump-dom", copy.as_uri()]
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
    """End the processes that the browser left running; the group is its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def check_on_a_telephone(page: Path, folder: Path) -> None:
    """Check that at 420 pixels the page does not scroll sideways, and that drawings fit."""
    made, _ = opened(page, folder, width=420)
    assert made["inner"] <= 500
    assert not made["wide"]
    assert max(made["drawn"]) < made["inner"]


def test_the_report_of_a_screening(trained: Trained, tmp_path: Path) -> None:
    given = ("screen", trained.run, "--model", trained.model, "--out", tmp_path / "out", "--grid", "8x5")
    done(*given)
    with (tmp_path / "out" / "verdicts.csv").open(encoding="utf-8") as table:
        scores = sorted(float(row["score"]) for row in csv.DictReader(table))
    done(*given, "--threshold", str((scores[19] + scores[20]) / 2))  # half of the 40 are hits
    made, console = opened(tmp_path / "out" / "report.html", tmp_path)
    assert console == []
    assert made["widths"] == [256] * 18  # three galleries of six frames of 256 pixels
    assert len(made["drawn"]) == 5  # scores, rate along the run; scores, spots and resolution on the grid
    assert min(made["drawn"]) > 300
    assert not made["wide"]  # nothing reaches beyond the page
    check_on_a_telephone(tmp_path / "out" / "report.html", tmp_path)


def test_the_report_of_a_federation(trained: Trained, tmp_path: Path) -> None:
    made, console = opened(trained.folder / "first" / "report.html", tmp_path)
    assert console == []
    assert made["widths"] == []
    assert len(made["drawn"]) == 2
    assert min(made["drawn"]) > 300
    assert not made["wide"]
    assert not made["cut"]  # the widest table, of all metrics with their intervals, fits into 1,200 pixels
    check_on_a_telephone(trained.folder / "first" / "report.html", tmp_path)


def test_the_report_of_a_calibration(trained: Trained, tmp_path: Path) -> None:
    arguments = ("--labels", trained.labels, "--max-loss", "0.3", "--out", tmp_path / "model.onnx")
    done("calibrate", trained.run, *arguments)
    made, console = opened(tmp_path / "model.html", tmp_path)
    assert console == []
    assert made["widths"] == []
    assert len(made["drawn"]) == 2
    assert min(made["drawn"]) > 300
    assert not made["wide"]
    check_on_a_telephone(tmp_path / "model.html", tmp_path)


def test_the_probe_finds_a_missing_picture_a_wide_table_and_an_error(tmp_path: Path) -> None:
    """So that the tests above can fail."""
    page = tmp_path / "page.html"
    wide = '<div style="overflow-x: auto" class="scroll"><p style="width: 3000px">wide</p></div>'
    text = f'{wide}<img src="none.png"><script>undefinedName()</script>'
    page.write_text(f"<!doctype html><html><body>{text}</body></html>", encoding="utf-8")
    made, console = opened(page, tmp_path)
    assert made["widths"] == [0]
    assert made["cut"]
    assert any("undefinedName" in line for line in console)
