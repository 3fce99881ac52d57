"""Run pieces of work in one process, with each result kept in a file, until the CPU time is used up."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def work_through(works: Mapping[Path, Callable[[], Any]], minutes: float) -> None:
    """Write each work's result to its file, as JSON, if missing; begin none after ``minutes`` of CPU."""
    for path, work in works.items():
        if not path.exists() and time.process_time() < 60 * minutes:
            path.write_text(json.dumps(work()), encoding="utf-8")
            print(f"{path.stem}: {time.process_time():.0f} s of CPU", flush=True)


def parser(description: str | None, folder: str) -> argparse.ArgumentParser:
    """Return a parser of the options --seeds, --minutes and --folder."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--seeds", type=int, default=5)
    made.add_argument("--minutes", type=float, default=1e9, help="CPU minutes after which nothing new begins")
    made.add_argument("--folder", type=Path, default=Path(folder))
    return made
