"""Time the review page with frames of 18 megapixels in Chromium: first paint, contrast, panning, next frame.

    .venv/bin/python benchmarks/page.py [picture]

With ``picture`` it draws docs/images/review-page.png instead, from simulated frames that two people label. Needs
Chromium.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np

from fedbragg.images import write_run
from fedbragg.types import Geometry
from harness import Table, publish

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "cli"))
from browser import Tab, browser

OUT = Path(__file__).parent.parent / "docs" / "images" / "review-page.png"
SHAPE = (4362, 4148)  # rows and columns of an EIGER2 16M
FRAMES, REPEATS = 8, 9
READY = "document.documentElement.dataset.ready !== undefined"
PAINTED = "performance.getEntriesByName('frame painted')[0].startTime"
CONTRAST = """
new Promise((done) => {
  const start = performance.now();
  document.getElementById("high").value = VALUE;
  document.getElementById("high").dispatchEvent(new Event("change"));
  requestAnimationFrame(() => done(performance.now() - start));
})
"""
PANNED = """
new Promise((done) => {
  const box = document.getElementById("viewer"), gaps = [];
  let last = performance.now(), x = 600;
  const send = (kind, x) =>
    box.dispatchEvent(new PointerEvent(kind, { clientX: x, clientY: 400, button: 0, pointerId: 1, bubbles: true }));
  box.setPointerCapture = () => {};
  send("pointerdown", x);
  const step = () => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    send("pointermove", (x -= 4));
    if (gaps.length < 60) return requestAnimationFrame(step);
    send("pointerup", x);
    done(gaps.slice(2));
  };
  requestAnimationFrame(step);
})
"""
NEXT = """
new Promise((done) => {
  const start = performance.now(), marks = () => performance.getEntriesByName("frame painted").length;
  const before = marks();
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  const look = () => (marks() > before ? done(performance.now() - start) : setTimeout(look, 1));
  look();
})
"""


def write_frames(path: Path) -> None:
    """Write noise of 2 counts a pixel with 300 spots, 32-bit counts as the detector has them."""
    rng = np.random.default_rng(1)

    def frames() -> Iterator[np.ndarray]:
        for _ in range(FRAMES):
            counts = rng.poisson(2, SHAPE).astype(np.uint32)
            for row, col in rng.integers(10, 4100, (300, 2)):
                counts[row : row + 3, col : col + 3] += rng.poisson(60, (3, 3)).astype(np.uint32)
            yield counts

    geometry = Geometry(wavelength=1.0, distance=0.2, beam_centre=(2100.0, 2200.0), pixel_size=(75e-6, 75e-6))
    write_run(path, frames(), geometry=geometry, mask=np.zeros(SHAPE, np.bool_))


@contextmanager
def review(folder: Path, *arguments: str) -> Iterator[str]:
    """Run the command and give the page's address."""
    command = [sys.executable, "-m", "fedbragg", "review", *arguments]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        yield next(line.split()[1] for line in process.stdout or () if line.startswith("page"))
    finally:
        process.terminate()
        process.wait()


def until(tab: Tab, condition: str) -> None:
    end = time.monotonic() + 60
    while not tab.run(condition):
        if time.monotonic() > end:
            raise TimeoutError(condition)
        time.sleep(0.05)


def measure(tab: Tab, address: str) -> list[tuple[str, float, str]]:
    """Return question, milliseconds and the target."""
    first = []
    for _ in range(REPEATS):
        tab.open(address, 1440, 960)
        until(tab, READY)
        first.append(tab.run(PAINTED))
        time.sleep(0.5)
    time.sleep(8)  # the frames ahead and their scores
    contrast = [tab.run(CONTRAST.replace("VALUE", str(10 + i))) for i in range(REPEATS)]
    following = [tab.run(NEXT) for _ in range(4)]
    tab.press("+", 4)
    time.sleep(1)
    zoomed = [tab.run(CONTRAST.replace("VALUE", str(30 + i))) for i in range(REPEATS)]
    gaps = tab.run(PANNED)
    return [
        ("first paint, browser just started", first[0], "1000"),
        ("first paint, page opened again", median(first[1:]), "1000"),
        ("contrast, whole frame", median(contrast), "50"),
        ("contrast, zoomed in five times", median(zoomed), "50"),
        ("next frame, fetched ahead", median(following), ""),
        ("panning, one picture to the next, median", median(gaps), "17"),
        ("panning, the longest of 58", max(gaps), "50"),
    ]


def speed() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_frames(folder / "run.h5")
        with review(folder, "run.h5") as address, browser() as tab:
            rows = measure(tab, address)
    question = f"How fast is the review page with frames of {SHAPE[0]} x {SHAPE[1]} pixels?"
    notes = (
        "Milliseconds in headless Chromium without a graphics card, window of 1440 x 960 pixels; the first frame is "
        "read before the address is printed.",
    )
    publish("page", [Table(question, ("what", "ms", "wanted, at most"), rows, notes)])


def picture() -> None:
    """Simulate a run, label it as two people, and draw what the second sees when going back to a hit."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = ("--frames", "24", "--size", "1024", "--seed", "11", "--out", "run_7")
        subprocess.run(
            [sys.executable, "-m", "fedbragg", "simulate", "pilatus2m", *options], cwd=folder, check=True
        )
        (folder / "run_7" / "labels.csv").unlink()
        for person, keys in (("ben", "hxmhxhmxhh"), ("ada", "hxmmxhmxhh")):
            with review(folder, "run_7", "--person", person) as address, browser() as tab:
                tab.open(address, 1440, 960)
                until(tab, READY)
                for number, key in enumerate(keys, 1):
                    tab.press(key)
                    until(tab, f"document.getElementById('name').textContent.includes(' {number + 1} of ')")
                tab.press("ArrowLeft", 2)
                until(tab, "!document.getElementById('peaks').hidden")
                tab.send("Input.dispatchMouseEvent", type="mouseMoved", x=640, y=300)
                time.sleep(1)
                tab.picture(OUT)
        Image.open(OUT).convert("RGB").quantize(128).save(OUT, optimize=True)


if __name__ == "__main__":
    picture() if "picture" in sys.argv else speed()
