"""Measure how long a command takes to show its help, beside what Python, its command-line library and torch take.

Run by itself for the table: ``.venv/bin/python benchmarks/starting.py``. All are timed by turns, each in a process of
its own; the time is the processor's, user and system together, which is the wall time on an idle machine.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from statistics import median

from harness import Table, publish

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


def main() -> None:
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS + 1):
        for way, command in WAYS.items():
            seconds[way].append(_processor_seconds(command))
    rows = [(way, min(found[1:]), median(found[1:])) for way, found in seconds.items()]
    ours = max(middle for way, _, middle in rows if "fedbragg" in way)
    notes = (
        f"Processor seconds, {ROUNDS} runs of each by turns after one that does not count. Wanted: at most "
        f"{WANTED:g} s to any command's help; the slowest median is {ours:.2f} s.",
    )
    publish("starting", [Table("How soon does help appear?", ("what", "best", "median"), rows, notes)])


def _processor_seconds(command: tuple[str, ...]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
