"""Measure how soon a command shows its help, and what the first screening on a machine compiles.

Beside both stands what Python, the command-line library and torch take. Run by itself for the tables:
``.venv/bin/python benchmarks/starting.py``. All are timed by turns, each in a process of its own; the time is the
processor's, user and system together, of the process and those that it starts.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from harness import Table, publish
from screening import REPEATED, write_frames

FEDBRAGG = str(Path(sys.executable).with_name("fedbragg"))
WANTED = 0.5  # seconds
ROUNDS = 9
WAYS = {
    "`python -c pass`": (sys.executable, "-c", "pass"),
    "`import typer`": (sys.executable, "-c", "import typer"),
    "`import numpy`": (sys.executable, "-c", "import numpy"),
    "`import torch`": (sys.executable, "-c", "import torch"),
    "`fedbragg --help`": (FEDBRAGG, "--help"),
    "`fedbragg screen --help`": (FEDBRAGG, "screen", "--help"),
    "`fedbragg federate --help`": (FEDBRAGG, "federate", "--help"),
    "`fedbragg phases identify --help`": (FEDBRAGG, "phases", "identify", "--help"),
}


FIRST = "first screening, empty cache"
LATER = "later screening, full cache"
PEER = "`import torch`"
PIXELS, FRAMES, FIRST_ROUNDS = (1083, 1035), 4, 3
Seconds = tuple[float, float]  # of the processor, and on the clock


def first_screening() -> Table:
    """Screen a few frames with an empty folder for numba's machine code, then with what that left there."""
    found: dict[tuple[str, int], list[Seconds]] = {}
    with tempfile.TemporaryDirectory() as folder:
        frames = Path(folder, "eiger.h5")
        write_frames(frames, *PIXELS, FRAMES)
        for turn in range(FIRST_ROUNDS):
            for threads in (1, 2):
                cache = {"NUMBA_CACHE_DIR": str(Path(folder, f"cache-{turn}-{threads}"))}
                for what in (FIRST, LATER):
                    out = str(Path(folder, f"out-{turn}-{threads}-{what[:5]}"))
                    command = (FEDBRAGG, "screen", str(frames), "--out", out, "--threads", str(threads))
                    found.setdefault((what, threads), []).append(_seconds(command, cache))
            found.setdefault((PEER, 1), []).append(_seconds(WAYS[PEER], {}))
    rows = []
    for (what, threads), spent in found.items():
        processor, clock = zip(*spent, strict=True)
        rows.append((what, threads, min(processor), median(processor), min(clock), median(clock)))
    notes = (
        f"{FIRST_ROUNDS} runs of each by turns, of {REPEATED * FRAMES} frames of {PIXELS[0]} x {PIXELS[1]} pixels, "
        "16 bits, bitshuffle-LZ4. With two threads a second process compiles half of it. "
        f"Load average while measuring: {os.getloadavg()[0]:.1f}, so the clock's seconds are upper bounds.",
    )
    columns = ("what", "threads", "best, CPU s", "median, CPU s", "best, s", "median, s")
    return Table("How long does the first screening on a machine take?", columns, rows, notes)


def main() -> None:
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS + 1):
        for way, command in WAYS.items():
            seconds[way].append(_seconds(command, {})[0])
    rows = [(way, min(found[1:]), median(found[1:])) for way, found in seconds.items()]
    ours = max(middle for way, _, middle in rows if "fedbragg" in way)
    notes = (
        f"Processor seconds, {ROUNDS} runs of each by turns after one that does not count. Wanted: at most "
        f"{WANTED:g} s to any command's help; the slowest median is {ours:.2f} s.",
    )
    helps = Table("How soon does help appear?", ("what", "best", "median"), rows, notes)
    publish("starting", [helps, first_screening()])


def _seconds(command: tuple[str, ...], settings: dict[str, str]) -> Seconds:
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **settings})
    clock = time.perf_counter() - clock
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, clock


if __name__ == "__main__":
    main()
