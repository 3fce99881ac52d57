"""Run a kit with softmax regression in the place of hit finding: KIT [OWN_FILE]."""

from __future__ import annotations

import sys
from pathlib import Path

from fedbragg.federation.engines.nvflare.launch import join, serve

HERE = Path(__file__).parent

if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(Path(sys.argv[1]), [sys.executable, str(HERE / "simple_start.py")])
    else:
        join(Path(sys.argv[1]), Path(sys.argv[2]), [sys.executable, str(HERE / "simple_worker.py")])
