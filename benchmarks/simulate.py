"""Measure how fast stills come, beside numpy's Poisson sampler alone and memory's speed; and how real they look.

The gap: a small classifier learns to tell patches of real frames from patches of simulated ones of a like detector;
its AUC on other frames of the same scans is 0.5 if it cannot, 1 if it always can.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from fedbragg.simulation import BEAMLINES, reduced, simulate_run
from fedbragg.simulation.run import Still
from harness import Table, publish, timed
from simgap import PAIRS, gap, misses, picture

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("FEDBRAGG_DATA", ROOT.parent / "shared" / "data"))
SIDE = 1000  # pixels
FRAMES = 24


def busy(work: Callable[[], object], repeats: int = 4) -> float:
    """Return the smallest processor time (s) of several calls after a warm-up; other processes may share the cores."""
    work()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def run(name: str, frames: int, workers: int = 1) -> Iterator[Still]:
    return simulate_run(reduced(BEAMLINES[name], SIDE, SIDE), frames, seed=3, workers=workers)


def speed() -> Table:
    """Time whole stills, set-up left out, and numpy's sampler on as many photons."""
    generator = np.random.default_rng(1)
    rows = []
    for name in BEAMLINES:
        mean = float(np.mean([still.counts[~still.mask].mean() for still in run(name, 3)]))
        photons = max(mean - BEAMLINES[name].detector.offset, 1e-3) / BEAMLINES[name].detector.gain
        field = np.full((SIDE, SIDE), photons)
        setting_up = busy(lambda name=name: next(iter(run(name, 1))))
        whole = busy(lambda name=name: sum(1 for _ in run(name, FRAMES)))
        stills = (FRAMES - 1) / (whole - setting_up)
        peer = 1 / busy(lambda field=field: generator.poisson(field))
        rows.append([name, f"{photons:.3g}", f"{stills:.1f}", f"{peer:.1f}", "yes" if stills >= 20 else "no"])
    return Table(
        f"How many {SIDE} x {SIDE} stills a second does one core make?",
        ["beamline", "photons a pixel", "stills a CPU second", "numpy's Poisson alone, fields", "20 reached"],
        rows,
        [
            "The peer draws the background's counts only: no scattering, spots, readout or labels.",
            "Processor time of one thread, as others shared the machine; a busy neighbour still costs some of it.",
        ],
    )


def whole() -> Table:
    """Time the detectors of millions of pixels at their full size."""
    generator = np.random.default_rng(1)
    rows = []
    for name in ("pilatus6m", "eiger16m"):
        line = BEAMLINES[name]
        first = list(simulate_run(line, 2, seed=3))
        photons = float(np.mean([still.counts[~still.mask].mean() for still in first]))
        field = np.full((line.detector.rows, line.detector.cols), photons)
        setting_up = busy(lambda line=line: next(iter(simulate_run(line, 1, seed=3))), repeats=2)
        all_of_it = busy(lambda line=line: sum(1 for _ in simulate_run(line, 9, seed=3)), repeats=2)
        stills = 8 / (all_of_it - setting_up)
        peer = 1 / busy(lambda field=field: generator.poisson(field), repeats=2)
        rows.append([name, f"{field.shape[0]} x {field.shape[1]}", f"{stills:.2f}", f"{peer:.2f}",
                     f"{stills * field.size / 1e6:.0f}"])  # fmt: skip
    return Table(
        "How many whole stills of the largest detectors does one core make in a second?",
        [
            "beamline",
            "pixels",
            "stills a CPU second",
            "numpy's Poisson alone, fields",
            "million pixels a CPU second",
        ],
        rows,
        [
            "With the beamline's own mix of hits, blanks and artefacts; set-up (mask, gaps, reflections) left out."
        ],
    )


def parallel() -> Table:
    """Time the same run with one, two and four workers, and see that they make the same bytes."""
    rows, digests = [], set()
    for workers in (1, 2, 4):
        seconds = timed(lambda workers=workers: sum(1 for _ in run("ln83", 2 * FRAMES, workers)), repeats=3)[
            "best"
        ]
        digest = hashlib.sha256()
        for still in run("ln83", FRAMES, workers):
            digest.update(still.counts.tobytes())
        digests.add(digest.hexdigest())
        rows.append([workers, f"{2 * FRAMES / seconds:.1f}", digest.hexdigest()[:12]])
    note = (
        f"Wall-clock, set-up included; {os.cpu_count()} cores; ideal is twice on an idle machine. "
        f"Load average while measuring: {os.getloadavg()[0]:.1f}. "
        f"The counts of {FRAMES} frames are {'the same' if len(digests) == 1 else 'NOT THE SAME'} with all."
    )
    columns = ["workers", "stills/s (ln83, 1000 x 1000)", "SHA-256 of the counts"]
    return Table("What do threads bring?", columns, rows, [note])


def looks() -> Table:
    """Train the classifier on each pair of like detectors."""
    rows = []
    for pair in PAIRS:
        for where, found in zip(("with a spot", "without"), gap(pair, DATA), strict=True):
            signs = "; ".join(found.signs)
            rows.append([pair.real, pair.beamline, where, found.patches, f"{found.area:.3f}", signs])
    return Table(
        "Can a classifier tell real patches from simulated ones? (AUC; 0.5 is no, 1 is always)",
        ["real", "simulated", "patches", "tested", "AUC", "single statistics that tell most (their own AUC)"],
        rows,
        [
            "Gradient boosting on 29 statistics of 24 x 24 patches (simgap.py), trained on even frames, tested on odd.",
            "Patches are matched in mean level, so that exposure time alone does not tell them apart.",
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", choices=("speed", "looks"), help="print one part; leave the stored results alone"
    )
    only = parser.parse_args().only
    tables: list[Table] = []
    if only != "looks":
        tables += [speed(), whole(), parallel()]
    if only != "speed":
        misses(ROOT / "docs" / "images" / "sim-misses.png")
    if only != "speed" and DATA.exists():
        tables.append(looks())
        picture(DATA, ROOT / "docs" / "images" / "sim-beside-real.png")
    if only:
        from harness import markdown

        print("\n\n".join(f"{table.question}\n{markdown(table)}" for table in tables))
        return
    publish("simulate", tables)


if __name__ == "__main__":
    main()
