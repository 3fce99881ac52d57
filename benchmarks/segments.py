"""Measure quality and speed of segmenting micrographs: the packaged model as it is, and after training on real ones.

    .venv/bin/python benchmarks/segments.py [PART ...] [--processes 2]

The packaged model has seen simulated micrographs alone. Real ones judge it; those of a train folder also train in the
parts superalloy, coating, etched and less-real, over 5 seeds with 95 % intervals (Student's t). Tables not asked for
keep their last state.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from baselines import segments_real
from baselines.kept_jobs import Job, Running, kept, run
from baselines.phases_judging import interval
from baselines.segments_experiments import ALLOY, KEPT, RUNS, prepare_laboratories
from baselines.segments_sites import jobs_of
from baselines.segments_trained import (
    SHOWN,
    Shares,
    as_packaged,
    coating_jobs,
    coating_tables,
    etched_jobs,
    etched_tables,
    less_real_jobs,
    less_real_tables,
    steel_jobs,
    steel_tables,
    superalloy_jobs,
    superalloy_tables,
)
from fedbragg.simulation.micrograph.micrograph import simulate_micrograph
from fedbragg.simulation.micrograph.structure import CLASSES
from fedbragg.simulation.micrograph.style import draw_style
from fedbragg.tasks import segments
from fedbragg.tasks.segments.data import SegmentData
from fedbragg.tasks.segments.instances import Classes
from fedbragg.tasks.segments.judge import agreement, summary
from fedbragg.tasks.segments.predictor import SegmentPredictor
from fedbragg.tasks.segments.sources import Simulated, simulated
from harness import Table, publish, timed, with_kept

UNSEEN = 60
"""Simulated structures, each in a style of its own, that no training saw."""


@dataclass(frozen=True, slots=True)
class Part:
    """A question: the trainings that it needs, and the tables of their results."""

    tables: Callable[[Running], list[Table]]
    jobs: Sequence[Job] = ()
    real: bool = False  # whether it needs measured micrographs


def otsu(picture: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return a blurred picture on either side of Otsu's threshold: the smaller side is precipitate."""
    from scipy.ndimage import uniform_filter
    from skimage.filters import threshold_otsu

    grey = uniform_filter((picture.mean(axis=2) if picture.ndim == 3 else picture).astype(np.float32), 5)
    bright = grey > threshold_otsu(grey)
    second = bright if bright.mean() < 0.5 else ~bright
    return np.stack([~second, np.zeros_like(second), second]).astype(np.float32)


def canny(picture: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return Canny's edges, closed, as boundaries."""
    from scipy.ndimage import binary_closing
    from skimage.feature import canny as edges_of

    grey = (picture.mean(axis=2) if picture.ndim == 3 else picture).astype(np.float32)
    edges = binary_closing(edges_of(grey, sigma=2.0), iterations=2)
    return np.stack([~edges, edges, np.zeros_like(edges)]).astype(np.float32)


def judged(data: SegmentData, answer: Shares, classes: Classes) -> list[str]:
    rows = np.array([agreement(answer(one.picture), one.labels, classes) for one in data.pictures])
    found = summary(rows, classes)
    return [str(found[name]) for name in SHOWN]


def ways(absent: str) -> dict[str, Shares]:
    """Return ways to segment micrographs that do not hold a class."""
    path = segments.default_model()
    return {
        "packaged model": SegmentPredictor(path).segmenter,
        f"packaged model, `--absent {absent}`": SegmentPredictor(path, absent=[absent]).segmenter,
        "Canny": canny,
        "blur and Otsu": otsu,
    }


def packaged(running: Running) -> list[Table]:
    """Judge the packaged model on simulated and real micrographs, beside classical methods."""
    unseen = simulated(Simulated(UNSEEN), CLASSES, 2026)
    sets = {
        "simulated grains": SegmentData(unseen.pictures[::2], 3),
        "simulated precipitates": SegmentData(unseen.pictures[1::2], 3),
    }
    if segments_real.available():
        sets["etched grains (11 photographs)"] = segments_real.grain_boundaries()
        sets["superalloy, given test"] = as_packaged(segments_real.superalloy("test"))
        sets["superalloy, all"] = as_packaged(
            *(segments_real.superalloy(p) for p in ("train", "val", "test"))
        )
    rows = [
        [name, way, *judged(data, answer, Classes(CLASSES))]
        for name, data in sets.items()
        for way, answer in ways("precipitate" if "grains" in name else "boundary").items()
    ]
    notes = [
        "Intervals by bootstrap over micrographs. Both kinds of the superalloy's precipitates count as one; nothing of "
        "any real set has been trained on. Canny finds boundaries alone, Otsu precipitates alone."
    ]
    return [
        Table(
            "The packaged model on micrographs that it has not seen",
            ("micrographs", "method", *SHOWN),
            rows,
            notes,
        )
    ]


def contrasts(arms: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs whose differences are shown, seed by seed: pooled less each, and what is added less FedAvg."""
    added = [(arm, arm.partition(" + ")[0]) for arm in arms if " + " in arm]
    return [("pooled", arm) for arm in arms if arm != "pooled" and not arm.startswith("pooled +")] + added


def federated(name: str, question: str, note: str, shown: Sequence[str]) -> Part:
    """Return the part that compares the arms of an experiment over its seeds."""
    runs = RUNS[name]

    def tables(running: Running) -> list[Table]:
        ended = [
            seed for seed in runs.seeds if all(running.file(j.name).exists() for j in jobs_of(runs, seed))
        ]
        found = {arm: kept([j for s in ended for j in jobs_of(runs, s, arm)], running) for arm in runs.arms}
        rows = [
            [test, arm, *(interval([one[test][measure] for one in each]) for measure in shown)]
            for arm, each in found.items()
            for test in each[0]
        ]
        for better, arm in contrasts(runs.arms):
            pairs = list(zip(found[better], found[arm], strict=True))
            for test in found[arm][0]:
                gains = [[one[test][m] - other[test][m] for one, other in pairs] for m in shown]
                rows.append([test, f"{better} less {arm}", *map(interval, gains)])
        return [
            Table(
                question,
                ("judged by", "training", *shown),
                sorted(rows, key=lambda row: row[0]),
                [f"{note} {len(ended)} seeds, 95 % intervals. {running.where}"],
            )
        ]

    return Part(
        tables, [job for seed in runs.seeds for job in jobs_of(runs, seed)], real=name != "laboratories"
    )


def speed(running: Running) -> list[Table]:
    """Time the segmentation and measurement of a large micrograph, and the growth of simulated grains."""
    from fedbragg.simulation.micrograph.potts import GrainGrowth, grow_grains
    from fedbragg.tasks.segments.instances import find_instances
    from fedbragg.tasks.segments.measure.grain_size import grain_size

    generator = np.random.default_rng(1)
    small = simulate_micrograph("grains", (512, 512), draw_style(generator), generator).picture
    picture = np.tile(small, (4, 4, 1))
    rows = []
    for threads in (1, 2):
        segmenter = SegmentPredictor(segments.default_model(), threads).segmenter
        probabilities = segmenter(picture)
        network = timed(lambda run=segmenter: run(picture), 3)["median"]
        found = timed(lambda p=probabilities: find_instances(p, Classes(CLASSES)), 3)["median"]
        grains = find_instances(probabilities, Classes(CLASSES))
        size = timed(lambda g=grains: grain_size(g, 0.2), 3)["median"]
        rows.append(
            [
                f"2048 x 2048, {threads} thread{'s' * (threads > 1)}",
                f"{network:.2f}",
                f"{found:.2f}",
                f"{size:.2f}",
                f"{network + found + size:.2f}",
            ]
        )
    grown = timed(lambda: grow_grains(GrainGrowth((512, 512), 30.0), np.random.default_rng(1)), 3)["median"]
    rows.append(["512 x 512 to a mean grain of 30 pixels", "", "", "", f"{grown:.2f}"])
    with tempfile.TemporaryDirectory() as folder:
        one, several = (timed(lambda n=n: measured(picture, n, Path(folder)), 5) for n in (1, SEVERAL))
    further = (several["median"] - one["median"]) / (SEVERAL - 1)
    rows.append(["the command for one 2048 x 2048, 2 threads", "", "", "", f"{one['median']:.2f}"])
    rows.append(["the command for each further one, 2 threads", "", "", "", f"{further:.2f}"])
    return [
        Table(
            "Seconds for a micrograph: network, instances, grain size",
            ("what", "network", "instances", "grain size", "all"),
            rows,
            [
                "The command, `fedbragg segments measure`, also starts, reads the picture, and writes label image, "
                "overlay, table and page."
            ],
        )
    ]


SEVERAL = 4
"""Micrographs of one command, whose time is compared with that of one."""


def measured(picture: NDArray[np.generic], number: int, folder: Path) -> None:
    """Measure copies of a micrograph by one command."""
    paths = [folder / f"{i}.png" for i in range(number)]
    for path in paths:
        if not path.exists():
            Image.fromarray(picture).save(path)
    subprocess.run(
        [sys.executable, "-m", "fedbragg", "segments", "measure", *map(str, paths), "--scale", "0.2um",
         "--out", str(folder / "out"), "--threads", "2"],
        capture_output=True, check=True,
    )  # fmt: skip


MEASURED = (
    "from fedbragg.cli import main; import resource, sys; code = main(sys.argv[1:]); "
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(code)"
)


def large(running: Running) -> list[Table]:
    """Measure large micrographs by the command line, each in a process of its own, and note its largest memory."""
    generator = np.random.default_rng(1)
    small = simulate_micrograph("grains", (512, 512), draw_style(generator), generator).picture[..., 0]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for side in (2_048, 4_096, 8_192, 16_384):
            path = Path(folder) / f"{side}.png"
            Image.fromarray(np.tile(small, (side // 512, side // 512))).save(path, compress_level=1)
            command = [sys.executable, "-c", MEASURED, "segments", "measure", str(path)]
            start = time.perf_counter()
            done = subprocess.run(
                [*command, "--scale", "0.2um", "--out", folder, "--threads", "2"],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            gigabytes = int(done.stdout.split()[-1]) / 2**20
            rows.append([f"{side} x {side}", f"{time.perf_counter() - start:.1f}", f"{gigabytes:.2f}"])
            print(rows[-1], flush=True)
    return [
        Table(
            "Large micrographs: seconds and memory of the whole command",
            ("pixels", "seconds", "largest memory, GiB"),
            rows,
            ["Grey, 8 bit, two threads; label image, overlay, table and page are written."],
        )
    ]


FIXED = "Fixed: BatchNorm keeps the start model's statistics in training (FixBN)."
ROUNDS = (
    "FedAvg, synchronous, 13 barriers, 12 epochs before the first and 4 between them; alone and pooled train as many "
    "epochs and steps, in bfloat16: a site's batch is its share of the pooled one. Drawn: half of the crops in grey "
    f"levels drawn at random for each class; nothing travels for it. {FIXED}"
)
SPECIMENS = (
    "Start: the packaged model. Two specimens that no site has judge beside new spots of the others, other two for "
    "each seed. FedAvg, synchronous, 13 barriers, 12 epochs before the first and 4 between them, in bfloat16; alone "
    f"and pooled train as many epochs, and steps as nearly as batches of one crop allow. {FIXED}"
)
PARTS: dict[str, Part] = {
    "packaged": Part(packaged),
    "superalloy": Part(superalloy_tables, superalloy_jobs(), real=True),
    "coating": Part(coating_tables, coating_jobs(), real=True),
    "steel": Part(steel_tables, steel_jobs(), real=True),
    "etched": Part(etched_tables, etched_jobs(), real=True),
    "less-real": Part(less_real_tables, less_real_jobs(), real=True),
    "laboratories": federated(
        "laboratories",
        "Four simulated laboratories, each with its style: grains",
        f"Each has 16 pictures of 256 x 256; new structures in the same four styles judge. {ROUNDS} The start model "
        "has seen one other style. Styles and structures are drawn anew for every seed.",
        ("MAP", "boundary F1", "mean IoU", "Rand error", "information"),
    ),
    "styles": federated(
        "superalloy",
        "Superalloy, a site for each style of imaging: the given test",
        f"Start: the packaged model. {ROUNDS}",
        ("mean IoU", *(f"IoU {name}" for name in ALLOY), "MAP", "boundary F1"),
    ),
    "unseen-style": federated(
        "unseen-style",
        "Superalloy, a site for each spot, all imaged in one style: the style that nobody has",
        f"Start: the packaged model. Either style in turn. {ROUNDS}",
        ("mean IoU", *(f"IoU {name}" for name in ALLOY), "MAP", "boundary F1"),
    ),
    "specimens": federated(
        "specimens",
        "Barrier coating, a site for each specimen",
        SPECIMENS,
        ("mean IoU", "IoU crack", "IoU oxide"),
    ),
    "speed": Part(speed),
    "large": Part(large),
}


def prepared(names: Sequence[str], running: Running) -> list[str]:
    """Return the parts that can be measured here, with the laboratories' pictures and start models made."""
    if "laboratories" in names:
        prepare = [
            Job(f"start-{seed}", partial(prepare_laboratories, seed)) for seed in RUNS["laboratories"].seeds
        ]
        run(prepare, replace(running, kept=KEPT))
    if segments_real.available():
        return list(names)
    print("no measured micrographs: the tables that need them keep their last state")
    return [name for name in names if not PARTS[name].real]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, or auto")
    parser.add_argument("--cache", type=Path, default=Path(".cache/segments"))
    parser.add_argument("--only-run", action="store_true", help="Keep the results, and write no table.")
    parser.add_argument("--trained-on", default="", help="For the tables: the machine, if it was another.")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    running = Running(options.cache, options.processes, options.device, options.trained_on)
    names = prepared(options.parts, running)
    run([job for name in names for job in PARTS[name].jobs], running)
    for name in names if not options.only_run else ():
        for table in PARTS[name].tables(running):
            publish("segments", with_kept("segments", table))


if __name__ == "__main__":
    main()
