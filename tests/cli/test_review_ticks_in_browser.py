"""The page that asks for ticks, served by the command and used in a real browser with the keyboard."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, Tab, browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
]


@contextmanager
def review(folder: Path, *options: str) -> Iterator[str]:
    """Run the command until the block ends, and give the page's address."""
    command = [sys.executable, "-m", "fedbragg", "review", *options]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield next(line.split()[1] for line in process.stdout if line.startswith("page"))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def until(tab: Tab, condition: str) -> None:
    end = time.monotonic() + 60
    while not tab.run(condition):
        assert time.monotonic() < end, f"{condition}; the page says {tab.run('document.body.innerText')}"
        time.sleep(0.03)


def press(tab: Tab, key: str, name: str, text: str) -> None:
    tab.press(key)
    until(tab, f"document.getElementById({name!r}).textContent.includes({text!r})")


INK = """
(() => {
  const { width, height } = curve;
  const pixels = new Uint32Array(curve.getContext("2d").getImageData(0, 0, width, height).data.buffer);
  return pixels.reduce((found, pixel) => found + (pixel !== 0), 0);
})()
"""


def test_phases_are_ticked_with_the_keyboard(tmp_path: Path) -> None:
    angles = np.linspace(5, 24, 800)
    for number in range(2):
        peaks = 900 * np.exp(-(((angles - 10.6 - number) / 0.05) ** 2))
        np.save(tmp_path / f"p{number}.npy", np.stack([angles, 100 + peaks]))
    (tmp_path / "a.xy").write_text("no pattern")
    options = (".", "--task", "phases", "--labels", "phases.csv", "--person", "ada")
    with review(tmp_path, *options) as address, browser() as tab:
        tab.open(address)
        until(tab, "document.documentElement.dataset.ready && document.getElementById('mine').textContent")
        assert "a.xy" in tab.run("document.getElementById('problem').textContent")  # said and skipped
        assert "2 of 3" in tab.run("document.getElementById('name').textContent")
        plain = tab.run(INK)
        tab.press("2")
        assert tab.run(INK) > plain + 200  # the lines of calcite run through the pattern
        press(tab, "Enter", "name", "3 of 3")
        assert (tmp_path / "phases.csv").read_text() == "path,bastnaesite,calcite,rhenium\np0.npy,0,1,0\n"
        press(tab, "Enter", "last", "All that can be read are answered")
        press(tab, "u", "progress", "1 of 3 answered")
        press(tab, "ArrowLeft", "secret", "probability")
        assert tab.run("document.querySelectorAll('.chance')[1].textContent") != ""
        assert tab.run("document.querySelector('[value=calcite]').checked")
        tab.open(address, 420)
        until(tab, "document.documentElement.dataset.ready && document.getElementById('mine').textContent")
        assert tab.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert [line for line in tab.complaints if "readback" not in line] == []  # that is INK's own
    assert (tmp_path / "phases.csv").read_text() == "path,bastnaesite,calcite,rhenium\np0.npy,0,1,0\n"
