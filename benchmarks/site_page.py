"""Draw a site's page: docs/images/site-page.png, from a federation of two real sites that trains privately.

    .venv/bin/python benchmarks/site_page.py

Runs the commands that people run: provision, serve, join, federate. Needs NVIDIA FLARE, dp-accounting and Chromium.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "cli"))
from browser import browser, until

from baselines.ports import free_port

OUT = Path(__file__).parent.parent / "docs" / "images" / "site-page.png"
FEDBRAGG = Path(sys.executable).with_name("fedbragg")
SITES = {
    "photon-counter": ("pilatus6m", 3),
    "old-ccd": ("ccd", 4),
}  # each with its simulated instrument and seed
SHOWN = "photon-counter"
UPDATES = 3  # in the record that is drawn
COLOURS = 64  # of the picture: a page of text needs no more, and the file is a quarter as large
SETTINGS = """
[hits]
public_frames = 12
public_epochs = 6
[training]
warmup_epochs = 2
epochs = 1
[federation]
schedule = "sync"
barriers = 60
[privacy]
epsilon = 8.0
[server]
address = "localhost:{port}"
"""


def prepare(folder: Path) -> None:
    """Write settings, kits, and each site's simulated frames with the site's own file."""
    sites = "".join(f'[[sites]]\nname = "{site}"\n' for site in SITES)
    (folder / "federation.toml").write_text(SETTINGS.format(port=free_port()) + sites)
    for site, (beamline, seed) in SITES.items():
        run(
            folder,
            "simulate",
            beamline,
            "--frames",
            "40",
            "--size",
            "256",
            "--seed",
            str(seed),
            "--out",
            site,
        )
        own = f'runs = ["{site}"]\nlabels = "{site}/labels.csv"\n[limits]\nepsilon = 10.0\n'
        (folder / f"{site}.toml").write_text(own)
    run(folder, "provision", "federation.toml")


def run(folder: Path, *arguments: str) -> None:
    subprocess.run([FEDBRAGG, *arguments], cwd=folder, check=True, capture_output=True)


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[Path]:
    """Run a command during the block; give the file that it prints to."""
    log = folder / f"{'-'.join(Path(text).name for text in arguments[:2])}.log"
    with log.open("wb") as out:
        process = subprocess.Popen([FEDBRAGG, *arguments], cwd=folder, stdout=out, stderr=out)
    try:
        yield log
    finally:
        process.kill()
        process.wait()


def printed(log: Path, beginning: str, seconds: float = 200.0) -> str:
    """Wait for a line that begins so, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for line in log.read_text().splitlines():
            if line.startswith(beginning):
                return line
        time.sleep(0.2)
    raise TimeoutError(f"no line {beginning!r}: {log.read_text()}")


def main() -> None:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        prepare(folder)
        stack.enter_context(started(folder, "serve", "kits/server"))
        for site in SITES:
            page = ["--page"] if site == SHOWN else []
            log = stack.enter_context(
                started(folder, "join", f"kits/{site}", "--data", f"{site}.toml", *page)
            )
            if page:
                address = printed(log, "page").split()[1]
        order = ("federate", "federation.toml", "--engine", "nvflare", "--kit", "kits/coordinator")
        stack.enter_context(started(folder, *order, "--out", "model"))
        with browser() as tab:
            tab.open(address)
            until(tab, f"document.querySelectorAll('#rows [data-topic=update]').length >= {UPDATES}", 300)
            tab.resize(1120, 1000)
            tab.picture(OUT, whole=True)
    with Image.open(OUT) as picture:
        picture.convert("RGB").quantize(COLOURS).save(OUT, optimize=True)


if __name__ == "__main__":
    main()
