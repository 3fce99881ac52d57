"""Shared by all benchmarks: repeats, the machine and commit behind a figure, output as JSON and a table."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Table:
    """The answer to one question: rows of figures, and notes to read before quoting them."""

    question: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    notes: Sequence[str] = field(default_factory=tuple)


def timed(work: Callable[[], object], repeats: int = 5) -> dict[str, float]:
    """Return the best and the median wall-clock seconds of several calls, after one that does not count."""
    work()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return {"best": min(seconds), "median": median(seconds), "repeats": repeats}


def machine() -> dict[str, str]:
    """Describe the processor, its cores and the Python that measured."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return {"processor": model, "cores": str(os.cpu_count()), "python": platform.python_version()}


def commit() -> str:
    """Return the commit measured, with + where the tree had changes."""
    answer = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return answer.stdout.strip() or "unknown"


def publish(name: str, tables: Sequence[Table]) -> None:
    """Print the tables and write them to ``benchmarks/results/NAME.json``."""
    record = {
        "name": name,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "tables": [asdict(table) for table in tables],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    for table in tables:
        print(f"\n{table.question}\n{markdown(table)}")


def with_kept(name: str, table: Table) -> list[Table]:
    """Return the tables last published under a name, with this one in the place of its question, else at the end."""
    path = RESULTS / f"{name}.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["tables"] if path.is_file() else []
    tables = {old["question"]: Table(**old) for old in kept}
    return list((tables | {table.question: table}).values())


def markdown(table: Table) -> str:
    """Lay a table out as Markdown."""
    head = [list(map(str, table.columns)), ["---"] * len(table.columns)]
    body = [[f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row] for row in table.rows]
    lines = ["| " + " | ".join(row) + " |" for row in head + body]
    return "\n".join(lines + [f"\n{note}" for note in table.notes])


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
