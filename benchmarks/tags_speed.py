"""Measure how fast scattering images are tagged on one core, from three kinds of file, beside ResNet-50.

Run by itself for the tables. Every figure is measured in a process of its own, tied to one core; on a machine with
other work compare CPU times.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.taggers import WAYS, export_residual, stages

IMAGES = 12
REPEATED = 5
"""Times that each simulated image is in the run: opening it, once a pass, must not weigh as in no real run."""
PASSES = 7
LONGEST = 1043  # 1043 x 981 pixels, a Pilatus 1M
WANTED = 150.0  # images/s


def simulated() -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:
    """Return counts of several experiments on a Pilatus 1M, and its gaps."""
    from fedbragg.simulation.scattering.experiment import Instrument, draw_experiment
    from fedbragg.simulation.scattering.image import simulate_images
    from fedbragg.simulation.scattering.layouts import LAYOUTS, gap_mask

    layout = next(one for one in LAYOUTS if one.name == "Pilatus 1M")
    instrument = Instrument("Pilatus 1M", {"small angle": 1.0}, layouts=(layout,), any_layout=0.0)
    seeds = np.random.SeedSequence(11).spawn(IMAGES)
    images = [
        next(simulate_images(draw_experiment(instrument, LONGEST, seed), 1, seed)).counts for seed in seeds
    ]
    return [np.maximum(image, 0).astype(np.int64) for image in images], gap_mask(layout, LONGEST)


def write_cbf(folder: Path, images: Sequence[NDArray[np.int64]], gaps: NDArray[np.bool_]) -> str:
    import fabio.cbfimage

    for number in range(REPEATED * len(images)):
        counts = np.where(gaps, -1, images[number % len(images)]).astype(np.int32)
        fabio.cbfimage.CbfImage(data=counts).write(str(folder / f"{number:03}.cbf"))
    return str(folder)


def write_tiff(folder: Path, images: Sequence[NDArray[np.int64]], gaps: NDArray[np.bool_]) -> str:
    import fabio.tifimage

    for number in range(REPEATED * len(images)):
        counts = np.where(gaps, -1, images[number % len(images)]).astype(np.int32)
        fabio.tifimage.TifImage(data=counts).write(str(folder / f"{number:03}.tif"))
    return str(folder)


def write_hdf5(folder: Path, images: Sequence[NDArray[np.int64]], gaps: NDArray[np.bool_]) -> str:
    from fedbragg.images import write_run
    from fedbragg.types import Geometry

    counts = [np.where(gaps, 2**32 - 1, image).astype(np.uint32) for image in images]
    write_run(folder / "run.h5", (c for _ in range(REPEATED) for c in counts), geometry=Geometry(), mask=gaps)
    return str(folder / "run.h5")


FORMATS = {
    "CBF, int32": write_cbf,
    "HDF5 bitshuffle-LZ4, uint32": write_hdf5,
    "TIFF, int32": write_tiff,
}


def measure(way: str, path: str) -> None:
    """Print the images/s and CPU milliseconds an image of each pass, or of each part of the work."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if way == "stages":
        print(json.dumps(stages(path, PASSES)))
        return
    one = WAYS[way](path)
    one()
    speeds, cpu = [], []
    for _ in range(PASSES):
        wall, used = time.perf_counter(), time.process_time()
        images = one()
        speeds.append(images / (time.perf_counter() - wall))
        cpu.append(1e3 * (time.process_time() - used) / images)
    print(json.dumps({"speeds": speeds, "cpu": cpu}))


def measured(way: str, path: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, "--one", way, path], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def rows_of(name: str, path: str) -> list[list[Any]]:
    rows = []
    for way in WAYS:
        found = measured(way, path)
        speeds, cpu = found["speeds"], found["cpu"]
        rows.append([name, way, max(speeds), median(speeds), 1000 / min(cpu), min(cpu), median(cpu)])
    return rows


def verdicts(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Compare the best pass of the way to the table with the target, by wall-clock and by CPU time."""
    found = []
    for name, way, wall, _, by_cpu, *_ in rows:
        if way == "fedbragg tags, table":
            for kind, speed in (("wall-clock", wall), ("CPU", by_cpu)):
                found.append(
                    [f"images/s from {name}, {kind}", speed, WANTED, "yes" if speed >= WANTED else "no"]
                )
    return found


def main(model: Path | None) -> None:
    from fedbragg.tasks.tags import default_model
    from harness import Table, publish

    rows: list[list[Any]] = []
    parts: list[list[Any]] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ["RESIDUAL"] = str(folder / "residual.onnx")
        export_residual(folder / "residual.onnx")
        model = model or default_model()
        os.environ["TAGS"] = str(model)
        images, gaps = simulated()
        for name, write in FORMATS.items():
            there = folder / str(len(parts))
            there.mkdir()
            path = write(there, images, gaps)
            rows += rows_of(name, path)
            parts += [[name, part, spent] for part, spent in measured("stages", path).items()]
    notes = [
        f"{IMAGES} simulated small-angle images of {LONGEST} x 981 pixels, each {REPEATED} times; files in the page "
        f"cache; the model {model.name}; best and median of {PASSES} passes, each way in its own process on one core.",
        "fedbragg tags: from the files to tags.csv on disk; with the page, all 60 images are on it, as in no long "
        "run. ResNet-50: our decoder, then log(I)/log(1.0414), 224 x 224 pixels (bilinear), standardised; 1 channel, "
        "17 answers, random weights (speed only), one thread of ONNX Runtime.",
        "CPU: processor time of all threads an image, which a busy machine lengthens less than wall-clock time.",
        f"Processes waiting for this machine's cores at the end (load average, 5 min): {os.getloadavg()[1]:.1f}.",
    ]
    columns = (
        "file",
        "way",
        "images/s, best",
        "images/s, median",
        "images/s by CPU, best",
        "CPU ms, best",
        "CPU ms, median",
    )
    publish(
        "tags_speed",
        [
            Table("How fast are scattering images tagged, on one core?", columns, rows, notes),
            Table("Where does the time go?", ("file", "part", "CPU ms an image, median"), parts),
            Table("Is it what was wanted?", ("what", "measured", "wanted", "met"), verdicts(rows)),
        ],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model", type=Path, help="Tags model; default: the packaged one, else random weights."
    )
    parser.add_argument("--one", nargs=2, metavar=("WAY", "PATH"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        measure(*given.one)
    else:
        main(given.model)
