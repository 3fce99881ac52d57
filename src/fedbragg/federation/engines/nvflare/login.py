"""Log a site's client in at the server, again and again for a stated time.

FLARE's own client tries for ever while nothing listens at the address, and ends without a word where the server is slow
to answer: after 15 s without a cell of its own, or after one message that was not answered in 30 s.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import Any

from fedbragg.federation.engines.nvflare.timed_line import say

SILENT = 10.0
"""Seconds after which the site's people are told that the server has not answered yet."""
PAUSE = 2.0
"""Seconds between two logins."""
NOT_DONE = 2
"""Exit code of a command that could not do its work, as after any FedbraggError."""


class Login:
    """One client's login; the process ends where it takes longer than ``wait`` seconds from now on."""

    def __init__(self, address: str, wait: float) -> None:
        self._address, self._wait = address, wait
        self._timers = [
            threading.Timer(min(SILENT, wait), self._say_slow),
            threading.Timer(wait, self._give_up),
        ]
        for timer in self._timers:
            timer.daemon = True
            timer.start()

    def log_in(self, client: Any, context: Any) -> None:
        """Register FLARE's client until it has a token; FLARE then skips its own single try."""
        while not client.token:
            # Without a cell yet, or after an answer that cannot be verified; FLARE has logged it.
            with contextlib.suppress(RuntimeError):
                client.register(context)
            if not client.token:
                time.sleep(PAUSE)

    def done(self) -> None:
        """Note that the client is logged in."""
        for timer in self._timers:
            timer.cancel()

    def _say_slow(self) -> None:
        say(f"no login at {self._address} yet; trying again for at most {self._wait:g} s")

    def _give_up(self) -> None:
        end_in_one_line(
            f"no login at {self._address} within {self._wait:g} s. Is the server running, and can it be reached from "
            "here? KIT/log.txt has FLARE's messages."
        )


def end_in_one_line(reason: str) -> None:
    """End the process with a line and an exit code: FLARE's threads would go on, or end it without a word."""
    sys.stderr.write(f"fedbragg: {reason}\n")
    sys.stderr.flush()
    os._exit(NOT_DONE)
