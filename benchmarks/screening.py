"""Measure screening from the file to the tables, beside its own decoder alone and beside what users have today.

Run by itself for the tables. Every figure is measured in a process of its own, tied to its cores. peakfinder8 takes
part where FEDBRAGG_PEAKFINDER8 names a Python that has ondamonitor and h5py.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import h5py

from baselines.counters import INTERPRETER
from baselines.screeners import PEAKS, WAYS, export_dense, stages

SIZES = {"2167 x 2070": (2167, 2070, 40), "4371 x 4150": (4371, 4150, 12)}
ROUNDS, PASSES = 3, 2
"""The ways take turns, so that what slows the machine for a while slows all; and passes of each in its turn."""
THREADS = (2, 8, 16)
"""On two cores."""
REPEATED = 5
"""Times that each simulated frame is in the file: opening it, once a pass, must not weigh as in no real run."""
Measured = dict[str, list[float]]


def write_frames(path: Path, rows: int, cols: int, frames: int) -> None:
    """Simulate an Eiger's stills, uint16, every second one a hit or a maybe."""
    from fedbragg.images import write_run
    from fedbragg.simulation import BEAMLINES, reduced, simulate_run

    facility = reduced(BEAMLINES["eiger16m"], rows, cols)
    kinds: tuple[list[Any], list[Any]] = ([], [])
    for still in simulate_run(facility, 4 * frames, 5, os.cpu_count() or 1):
        if len(kinds[still.label.positive]) < frames // 2:
            kinds[still.label.positive].append(still)
        if min(map(len, kinds)) >= frames // 2:
            break
    stills = [still for pair in zip(*kinds, strict=False) for still in pair][:frames]
    if len(stills) < frames:
        raise SystemExit(f"{len(stills)} of {frames} frames, half of them hits: simulate more.")
    write_run(path, (s.counts for s in stills), geometry=facility.geometry, mask=stills[0].mask)
    with h5py.File(path, "r+") as file:
        data = file["entry/data/data"]
        data.resize(REPEATED * frames, axis=0)
        for number in range(frames, len(data)):
            _, chunk = data.id.read_direct_chunk((number % frames, 0, 0))
            data.id.write_direct_chunk((number, 0, 0), chunk)


def measure(way: str, path: str, cores: int, passes: int, threads: int) -> None:
    """Print images/s and CPU milliseconds a frame of each pass."""
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:cores]))
    one = WAYS[way](Path(path), threads)
    one()
    found: Measured = {"speeds": [], "cpu": []}
    for _ in range(passes):
        wall, used = time.perf_counter(), time.process_time()
        frames = one()
        found["speeds"].append(frames / (time.perf_counter() - wall))
        found["cpu"].append(1e3 * (time.process_time() - used) / frames)
    print(json.dumps(found))


def measured(way: str, path: Path, cores: int, passes: int, threads: int = 0) -> Measured:
    """Measure a way with one thread a core, or with so many threads."""
    if way == "peakfinder8":
        script = Path(__file__).parent / "baselines" / "peakfinder8_pipeline.py"
        command = ["taskset", "-c", "0", os.environ[INTERPRETER], str(script), str(path), str(passes)]
    else:
        command = [
            sys.executable,
            __file__,
            "--one",
            way,
            str(path),
            str(cores),
            str(passes),
            str(threads or cores),
        ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def rows_of(size: str, path: Path) -> list[list[Any]]:
    ways = [("fedbragg screen", 1), ("fedbragg screen", 2), ("decode alone", 1), ("decode alone", 2)]
    ways += [("peakfinder8", 1)] if os.environ.get(INTERPRETER) else []
    ways += [("DenseNet121", 1)]
    found: dict[tuple[str, int], Measured] = {each: {"speeds": [], "cpu": []} for each in ways}
    for _ in range(ROUNDS):
        for way, cores in ways:
            slow = way in ("peakfinder8", "DenseNet121")
            for what, values in measured(way, path, cores, 1 if slow else PASSES).items():
                found[way, cores][what] += values
    return [
        [size, *way, max(one["speeds"]), median(one["speeds"]), min(one["cpu"]), median(one["cpu"])]
        for way, one in found.items()
    ]


def threads_of(size: str, path: Path) -> list[list[Any]]:
    """Measure more threads than cores: what they wait for one another costs frames."""
    rows, first = [], 0.0
    for threads in THREADS:
        found = measured("fedbragg screen", path, THREADS[0], ROUNDS * PASSES, threads)
        speed, cpu = median(found["speeds"]), median(found["cpu"])
        first = first or speed
        rows.append([size, threads, speed, cpu, 100 * (1 - speed / first)])
    return rows


def budget_of(size: str, path: Path, end_to_end: float) -> list[list[Any]]:
    """Return what each stage takes; the mean is higher where few frames have thousands of peaks."""
    spent = stages(path)
    peaks, read, decoded = (spent.pop(name) for name in (PEAKS, "read", "read, decode and reduce"))
    spent = {
        "read": read,
        "decode, mask and reduce to blocks": (decoded[0] - read[0], decoded[1] - read[1]),
        **spent,
    }
    rest = end_to_end - sum(mean for _, mean in spent.values())
    rows = [[size, name, middle, mean, 100 * mean / end_to_end] for name, (middle, mean) in spent.items()]
    return [
        *rows,
        [size, "all else: queue, hand-over, tally", "", rest, 100 * rest / end_to_end],
        [size, PEAKS, *peaks, ""],
    ]


def verdicts(rows: list[list[Any]], size: str) -> list[list[Any]]:
    """Compare with what was wanted of a size, by the best pass of each way."""
    here = [row for row in rows if row[0] == size]
    wall = {(row[1], row[2]): row[3] for row in here}
    cpu = {(row[1], row[2]): 1000 / row[5] for row in here}
    two = ["on two cores, in times one", wall["fedbragg screen", 2] / wall["fedbragg screen", 1], 1.85]
    compared = [*_one_core(wall, ""), two, *_one_core(cpu, ", by CPU time")]
    return [
        [size, what, found, wanted, "yes" if found >= wanted else "no"] for what, found, wanted in compared
    ]


def _one_core(best: dict[tuple[str, int], float], how: str) -> list[list[Any]]:
    ours = best["fedbragg screen", 1]
    compared = [
        [f"in times decode alone{how}", ours / best["decode alone", 1], 1 / 2],
    ]
    if ("peakfinder8", 1) in best:
        compared.append([f"in times peakfinder8{how}", ours / best["peakfinder8", 1], 10.0])
    return compared


def main() -> None:
    from harness import Table, publish

    rows: list[list[Any]] = []
    budget: list[list[Any]] = []
    crowded: list[list[Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DENSE"] = str(Path(folder, "dense.onnx"))
        export_dense(Path(os.environ["DENSE"]))
        for size, shape in SIZES.items():
            path = Path(folder, "run.h5")
            write_frames(path, *shape)
            here = rows_of(size, path)
            rows += here
            budget += budget_of(size, path, here[0][6])
            crowded += threads_of(size, path)
            path.unlink()
    load = f"Processes waiting for this machine's cores at the end (load average, 5 min): {os.getloadavg()[1]:.1f}."
    notes = [
        "Simulated Eiger stills, uint16, bitshuffle-LZ4, a chunk a frame, half of them hits or maybes; file in the "
        "page cache. fedbragg screen: from opening the file to verdicts.csv and hits.lst on disk, the packaged model. "
        "Decode alone: the same frames decoded and masked, and thrown away.",
        "peakfinder8: OM's, fast mode, behind h5py with hdf5plugin, peaks counted. DenseNet121: one thread of ONNX "
        "Runtime on 320 x 320 pixels cut from the middle, random weights (speed only), behind our decoder.",
        "CPU: processor time of all threads a frame, which a busy machine lengthens less than wall-clock time.",
        load,
    ]
    if not os.environ.get(INTERPRETER):
        notes.append(f"peakfinder8 left out: {INTERPRETER} names no Python that has ondamonitor.")
    publish(
        "screening",
        [
            Table(
                "How fast are frames screened?",
                (
                    "size",
                    "way",
                    "cores",
                    "images/s, best",
                    "images/s, median",
                    "CPU ms, best",
                    "CPU ms, median",
                ),
                rows,
                notes,
            ),
            Table(
                "Where does the time go, on one core?",
                ("size", "stage", "CPU ms a frame, median", "mean", "share of screening, %"),
                budget,
            ),
            Table(
                "What do threads lose by waiting for one another?",
                ("size", "threads on two cores", "images/s, median", "CPU ms, median", "slower than two, %"),
                crowded,
            ),
            Table(
                "Is it what was wanted?",
                ("size", "what", "measured", "wanted", "met"),
                [line for size in SIZES for line in verdicts(rows, size)],
            ),
        ],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--one", nargs=5, metavar=("WAY", "FILE", "CORES", "PASSES", "THREADS"), help=argparse.SUPPRESS
    )
    given = parser.parse_args().one
    if given:
        measure(given[0], given[1], int(given[2]), int(given[3]), int(given[4]))
    else:
        main()
