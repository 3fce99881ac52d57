"""Run a kit with softmax regression in place of a task: KIT [SITE_CONFIG].

FEDBRAGG_TEST_PROTOCOL makes the process one of another version of the protocol.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from fedbragg.federation.engines.nvflare.launch import join, serve
from fedbragg.federation.engines.remote import protocol

PROGRAMS = Path(__file__).parents[1] / "remote"

if __name__ == "__main__":
    protocol.PROTOCOL = int(os.environ.get("FEDBRAGG_TEST_PROTOCOL", protocol.PROTOCOL))
    if len(sys.argv) == 2:
        serve(Path(sys.argv[1]), [sys.executable, str(PROGRAMS / "softmax_start.py")])
    else:
        join(Path(sys.argv[1]), Path(sys.argv[2]), [sys.executable, str(PROGRAMS / "softmax_worker.py")])
