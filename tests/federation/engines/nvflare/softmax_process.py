"""Run a kit with softmax regression in place of a task: KIT [SITE_CONFIG].

FEDBRAGG_TEST_JOIN holds further options of `fedbragg join`, which then runs as users run it, but for the task.

FEDBRAGG_TEST_PROTOCOL makes the process one of another version of the protocol. A file SITE.kill with a message's kind
and a number kills the process at the so-manieth message of this kind, before the site answers it.
FEDBRAGG_TEST_SLOW holds the seconds that a site's cell takes to be there, as on a machine without a free core.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from nvflare.private.fed.client import communicator

from fedbragg.cli.main import main
from fedbragg.federation.engines.nvflare.launch import join, serve
from fedbragg.federation.engines.remote import protocol
from fedbragg.federation.secure.site import SiteSum
from fedbragg.workflows import site_worker

PROGRAMS = Path(__file__).parents[1] / "remote"


def killed_in_a_sum(folder: Path) -> None:
    """Have a site's process kill itself where its file says so."""
    answer, seen = SiteSum.answer, Counter[str]()

    def answered(self: SiteSum, message: Any) -> Any:
        order = folder / f"{self.site}.kill"
        if order.exists():
            kind, number = order.read_text().split()
            seen[kind] += kind == type(message).__name__
            if seen[kind] == int(number):
                order.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        return answer(self, message)

    SiteSum.answer = answered


def slowed(seconds: float) -> None:
    """Have FLARE's client wait for its cell for too long: its limit of 15 s is 1.5 s here, that of a message 2 s."""
    set_cell = communicator.Communicator.set_cell

    def slow(self: communicator.Communicator, cell: Any) -> None:
        time.sleep(seconds)
        self.maint_msg_timeout = 2.0
        set_cell(self, cell)

    communicator.Communicator.set_cell = slow
    communicator.time = SimpleNamespace(time=lambda: 10 * time.time(), sleep=time.sleep)


if __name__ == "__main__":
    protocol.PROTOCOL = int(os.environ.get("FEDBRAGG_TEST_PROTOCOL", protocol.PROTOCOL))
    if "FEDBRAGG_TEST_SLOW" in os.environ:
        slowed(float(os.environ["FEDBRAGG_TEST_SLOW"]))
    killed_in_a_sum(Path(os.environ["FEDBRAGG_TEST_FOLDER"]))
    if len(sys.argv) == 2:
        serve(Path(sys.argv[1]), [sys.executable, str(PROGRAMS / "softmax_start.py")])
    elif "FEDBRAGG_TEST_JOIN" in os.environ:
        site_worker.COMMAND = (sys.executable, str(PROGRAMS / "softmax_worker.py"))
        options = ["--data", sys.argv[2], *os.environ["FEDBRAGG_TEST_JOIN"].split()]
        sys.exit(main(["join", sys.argv[1], *options]))
    else:
        join(Path(sys.argv[1]), Path(sys.argv[2]), [sys.executable, str(PROGRAMS / "softmax_worker.py")])
