"""Tag simulated scans with the packaged model and draw the page: docs/images/tags-page.png. Needs Chromium.

    .venv/bin/python benchmarks/tags_page.py

Prints what the command prints, for docs/how-to/tags.md.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from fedbragg.images import write_run
from fedbragg.simulation.scattering.experiment import ANY_INSTRUMENT, draw_experiment
from fedbragg.simulation.scattering.image import simulate_images
from fedbragg.types import Geometry

OUT = Path(__file__).parent.parent / "docs" / "images" / "tags-page.png"
SCANS, IMAGES, LONGEST, SEED = 29, 30, 512, 1029


def write_scan(path: Path, number: int) -> None:
    """Write the images of one experiment, unmeasured pixels at the largest count as detectors do."""
    seed = np.random.SeedSequence([SEED, number])
    images = list(simulate_images(draw_experiment(ANY_INSTRUMENT, LONGEST, seed), IMAGES, seed))
    top = np.uint32(2**32 - 1)
    counts = [np.where(i.mask, top, np.maximum(np.rint(i.counts), 0).astype(np.uint32)) for i in images]
    write_run(path, iter(counts), geometry=Geometry(), mask=np.zeros(counts[0].shape, np.bool_))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "run_7").mkdir()
        for number in range(SCANS):
            write_scan(folder / "run_7" / f"scan_{number:03}.h5", number)
        command = [
            Path(sys.executable).with_name("fedbragg"), "tags", "identify", "run_7/", "--out", "tagged"
        ]  # fmt: skip
        print(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout)
        options = ["--headless=new", "--no-sandbox", "--hide-scrollbars", "--window-size=1200,1000"]
        page = (folder / "tagged" / "tags.html").as_uri()
        subprocess.run(["chromium", *options, f"--screenshot={OUT}", page], check=True, capture_output=True)


if __name__ == "__main__":
    main()
