"""Log a site's client in at the server, again and again for a stated time.

FLARE's own client tries for ever while nothing listens at the address, and ends without a word where the server is slow
to answer: after 15 s without a cell of its own, or after one message that was not answered in 30 s.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import threading
import time
from typing import Any

from fedbragg.federation.engines.nvflare.timed_line import say

SILENT = 10.0
"""Seconds after which the site's people are told that there is no login yet; at most half of the limit."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two logins; each pause is twice as long as the one before."""
NOT_DONE = 2
"""Exit code of a command that could not do its work, as after any FedbraggError."""


class Login:
    """One client's login; the process ends where it takes longer than ``wait`` seconds from now on."""

    def __init__(self, address: str, wait: float) -> None:
        self._address, self._wait = address, wait
        self._timers = [
            threading.Timer(min(SILENT, wait / 2), self._say_slow),
            threading.Timer(wait, self._give_up),
        ]
        for timer in self._timers:
            timer.daemon = True
            timer.start()

    def log_in(self, client: Any, context: Any) -> None:
        """Register FLARE's client until it has a token; FLARE then skips its own single try."""
        pause = FIRST_PAUSE
        while (problem := _try_once(client, context)) is not None:
            logging.getLogger(__name__).warning("no login (%s); next try in %g s", problem, pause)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

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


def _try_once(client: Any, context: Any) -> str | None:
    """Register FLARE's client once; return what is known of a failure, None after a success."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # FLARE prints tracebacks; it logs the reason too
            client.register(context)
    except RuntimeError as error:  # no cell yet, or an answer that cannot be verified
        return str(error)
    return None if client.token else "the server did not answer, or refused"


def end_in_one_line(reason: str) -> None:
    """End the process with a line and an exit code: FLARE's threads would go on, or end it without a word."""
    os.write(2, f"fedbragg: {reason}\n".encode())  # sys.stderr may be redirected
    os._exit(NOT_DONE)
