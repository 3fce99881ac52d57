"""Measure how fast scattering images are simulated and prepared on one core, beside drawing the photons alone.

    .venv/bin/python benchmarks/scattering.py

Timed is CPU time of the process, which is the time on one core of a machine with nothing else to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from fedbragg.simulation.scattering.experiment import ANY_INSTRUMENT, Experiment, draw_experiment
from fedbragg.simulation.scattering.image import simulate_images
from fedbragg.simulation.scattering.layouts import LAYOUTS
from fedbragg.tasks.tags.prepare import prepare
from fedbragg.types import Frame
from harness import Table, publish

SIDE, EXPERIMENTS, REPEATS = 256, 40, 5
WANTED = 100.0  # images/s
SIZES = ((1043, 981), (2167, 2070), (4371, 4150))
LIMITS = {(1043, 981): 3.0, (2167, 2070): 12.0}  # ms


def milliseconds(work: Callable[[], int], repeats: int = REPEATS) -> tuple[float, float]:
    """Return best and median CPU milliseconds an item, after one call that does not count."""
    work()
    each = []
    for _ in range(repeats):
        start = time.process_time()
        items = work()
        each.append(1e3 * (time.process_time() - start) / items)
    return min(each), median(each)


def experiments() -> list[tuple[Experiment, np.random.SeedSequence]]:
    seeds = np.random.SeedSequence(31).spawn(EXPERIMENTS)
    return [(draw_experiment(ANY_INSTRUMENT, SIDE, seed), seed) for seed in seeds]


def simulation() -> Table:
    drawn = experiments()

    def simulate(images: int) -> Callable[[], int]:
        return lambda: sum(1 for experiment, seed in drawn for _ in simulate_images(experiment, images, seed))

    generator, level = np.random.default_rng(1), np.full((SIDE, SIDE), 5.0)
    ways: list[tuple[str, Callable[[], int]]] = [
        ("ten images of each experiment", simulate(10)),
        ("two images of each experiment", simulate(2)),
        (
            "numpy Poisson alone, 5 photons a pixel",
            lambda: len([generator.poisson(level) for _ in range(100)]),
        ),
    ]
    rows = []
    for name, work in ways:
        best, middle = milliseconds(work)
        rows.append([name, f"{best:.1f}", f"{middle:.1f}", f"{1e3 / middle:.0f}"])
    notes = [
        f"{SIDE} pixels along the longer side, {EXPERIMENTS} experiments of all regimes, {len(LAYOUTS)} detectors and "
        f"others; {REPEATS} repeats. Wanted: {WANTED:g} images/s on one core."
    ]
    columns = ("what", "ms, best", "ms, median", "images/s, median")
    return Table("How fast are scattering images simulated?", columns, rows, notes)


def preparation() -> Table:
    rows = []
    for rows_, cols in SIZES:
        generator = np.random.default_rng(2)
        counts = generator.poisson(3.0, (rows_, cols)).astype(np.int32)
        mask = np.zeros(counts.shape, np.bool_)
        mask[::195] = True
        frame = Frame(counts, mask, "", 0)
        best, middle = milliseconds(lambda frame=frame: sum(1 for _ in range(10) if prepare(frame)))
        read, _ = milliseconds(lambda counts=counts: sum(1 for _ in range(10) if counts.max() >= 0))
        limit = LIMITS.get((rows_, cols))
        rows.append(
            [
                f"{rows_} x {cols}",
                f"{best:.2f}",
                f"{middle:.2f}",
                f"{read:.2f}",
                f"{limit:g}" if limit else "",
            ]
        )
    columns = ("pixels, int32", "ms, best", "ms, median", "numpy max, ms", "wanted, ms")
    return Table("What does a tags view cost?", columns, rows)


if __name__ == "__main__":
    publish("scattering", [simulation(), preparation()])
