"""Measure how often the beam's centre is found from the light alone: in the middle of the frame, far off, beyond it.

Run by itself for the table: ``.venv/bin/python benchmarks/centres.py``. Everything is simulated: facilities drawn at
random, whose beam is then moved. One start from the frame's middle, as screening has, stands beside a grid of starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import hypot
from statistics import median

import numpy as np
from numpy.typing import NDArray

from baselines.anywhere import anywhere
from fedbragg.read_only import read_only
from fedbragg.simulation import Still, simulate_run
from fedbragg.tasks.hits.prepare.centre import FEWEST, _intersection, gradient_lines
from fedbragg.tasks.hits.prepare.context import REACH_OF_ESTIMATE, light_of
from fedbragg.tasks.hits.prepare.mask_blocks import blocks_of_mask
from fedbragg.tasks.hits.prepare.noise import photon_scale
from fedbragg.tasks.hits.prepare.pixels import block_sums
from harness import Table, publish

FACILITIES, FRAMES, SEED, CELL = 24, 2, 99, 8
PLACES = {
    "middle": (0.5, 0.5),
    "half-way to an edge": (0.5, 0.25),
    "near a corner": (0.15, 0.15),
    "at an edge": (0.5, 0.02),
    "beyond an edge": (0.5, -0.2),
}
"""Where the beam is, as shares of the frame's width and height."""
STARTS = [
    (across, down) for across in (-0.25, 0.15, 0.5, 0.85, 1.25) for down in (-0.25, 0.15, 0.5, 0.85, 1.25)
]
LINES = 300
"""Gradients by which the starts of the grid are compared."""
TRUSTED = 0.5
"""Roundness from which an estimate counts as trusted."""
Found = tuple[float, float, float]  # column and row in cells, roundness
Shape = tuple[int, int]


def one_start(lines: NDArray[np.float64], shape: Shape) -> Found:
    return _intersection(lines, (shape[1] / 2 - 0.5, shape[0] / 2 - 0.5))


def many_starts(lines: NDArray[np.float64], shape: Shape) -> Found:
    few = lines[:: max(1, len(lines) // LINES)]
    tried = [_intersection(few, (across * shape[1], down * shape[0])) for across, down in STARTS]
    column, row, _ = max(tried, key=lambda found: found[2])
    return _intersection(lines, (column, row))


WAYS: dict[str, Callable[[NDArray[np.float64], Shape], Found]] = {"one": one_start, "25": many_starts}


@dataclass(frozen=True)
class Estimate:
    """One frame's estimate by one way."""

    off: float  # pixels from the true centre
    roundness: float
    milliseconds: float  # of the processor, without the gradients


def lines_of(still: Still) -> tuple[NDArray[np.float64], Shape]:
    """Return the gradients as `estimated_centre` has them, and the frame's shape in cells."""
    blocks = block_sums(read_only(still.counts), blocks_of_mask(still.mask, CELL))
    mean, used, pixels = light_of(blocks, photon_scale(blocks))
    return gradient_lines(mean, used, pixels), (mean.shape[0], mean.shape[1])


def estimate(way: str, lines: NDArray[np.float64], shape: Shape, centre: tuple[float, float]) -> Estimate:
    start = time.thread_time()
    column, row, roundness = WAYS[way](lines, shape)
    spent = 1e3 * (time.thread_time() - start)
    half = (CELL - 1) / 2
    off = hypot(column * CELL + half - centre[0], row * CELL + half - centre[1])
    return Estimate(off, roundness, spent)


def estimates_at(place: tuple[float, float]) -> tuple[int, dict[str, list[Estimate]]]:
    """Return the number of frames, and the estimates of those with enough gradients."""
    frames, found = 0, {way: list[Estimate]() for way in WAYS}
    for number in range(FACILITIES):
        line = anywhere(np.random.default_rng([SEED, number]), number)
        centre = (line.detector.cols * place[0], line.detector.rows * place[1])
        moved = replace(line, detector=replace(line.detector, beam_centre=centre))
        for still in simulate_run(moved, FRAMES, SEED + number):
            lines, shape = lines_of(still)
            frames += 1
            if len(lines) >= FEWEST:
                for way, estimates in found.items():
                    estimates.append(estimate(way, lines, shape, centre))
    return frames, found


def main() -> None:
    rows: list[list[object]] = []
    for name, place in PLACES.items():
        frames, found = estimates_at(place)
        for way, estimates in found.items():
            right = sum(one.off <= REACH_OF_ESTIMATE for one in estimates)
            misled = sum(one.off > REACH_OF_ESTIMATE and one.roundness >= TRUSTED for one in estimates)
            spent = median(one.milliseconds for one in estimates)
            rows.append([name, way, frames, len(estimates), right, misled, f"{spent:.2f}"])
    note = (
        f"{FACILITIES} facilities drawn at random, {FRAMES} frames of each, crystals and misses, a place. Found: "
        f"within {REACH_OF_ESTIMATE:g} pixels, in which peaks then refine it. Wrong but trusted: farther off, with a "
        f"roundness of {TRUSTED:g} or more. 25 starts: a grid over the frame and beyond it; the roundest by "
        f"{LINES} gradients goes on with all. Screening has one start."
    )
    columns = ("beam", "starts", "frames", "with an estimate", "found", "wrong but trusted", "median ms")
    publish("centres", [Table("How often is the beam's centre found from the light?", columns, rows, [note])])


if __name__ == "__main__":
    main()
