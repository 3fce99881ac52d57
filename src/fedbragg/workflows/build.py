"""Train a packaged model: NAME PATH. scripts/build-model and scripts/build-phases-model run this."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from fedbragg.progress import bars
from fedbragg.tasks.registry import TASKS


def main(name: str, path: Path) -> None:
    """Train the packaged model of a task and write it."""
    with bars() as progress:
        import_module(f"{TASKS[name]}.build").main(path, progress)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
