"""Log a site's client in at the server, again and again for a stated time, unless one side refuses the other.

FLARE's own client tries for ever while nothing listens at the address or a certificate is refused, and ends with no
message where the server is slow to answer: after 15 s without a cell of its own, or after one message that was not
answered in 30 s.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_exception import FLCommunicationError

from fedbragg.federation.engines.nvflare.kit import Kit
from fedbragg.federation.engines.nvflare.refused_certificate import refused_certificate
from fedbragg.federation.engines.nvflare.timed_line import say

SILENT = 10.0
"""Seconds without a login after which a line says so; at most half of the limit."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two logins; each pause is twice as long as the one before."""
FIRST_LOOK = 3.0
"""Seconds without a login before the certificates are tried; at most half of the limit. Most logins take less."""
REFUSALS = 2
"""Refused logins in a row after which the client ends; a single one may be a message that came late."""
REJECTED = "error:client_registration "
"""Before the server's reason, in the exception of FLARE's client."""
NOT_DONE = 2
"""Exit code of a command that could not do its work, as after any FedbraggError."""


@dataclass(frozen=True, slots=True)
class FailedLogin:
    """The reason why one try failed."""

    reason: str
    refused: bool = False  # by the server, in an answer; else it did not answer


class Login:
    """One client's login; the process ends where it is refused, or takes longer than ``wait`` seconds from now on."""

    def __init__(self, holder: Kit, kit: Path, wait: float) -> None:
        """Log in the ``holder`` of the folder ``kit``."""
        self._holder, self._kit, self._wait = holder, kit, wait
        self._done = threading.Event()
        self._timers = [
            threading.Timer(min(SILENT, wait / 2), self._say_slow),
            threading.Timer(wait, self._give_up),
        ]
        for thread in (*self._timers, threading.Thread(target=self._try_certificates)):
            thread.daemon = True
            thread.start()

    def log_in(self, client: Any, context: Any) -> None:
        """Register FLARE's client until it has a token; FLARE then skips its own single try."""
        pause, refusals = FIRST_PAUSE, 0
        while (problem := _try_once(client, context)) is not None:
            logging.getLogger(__name__).warning("no login (%s); next try in %g s", problem.reason, pause)
            refusals = refusals + 1 if problem.refused else 0
            if refusals == REFUSALS:
                self._end_refused(f"the server refuses the login ({problem.reason}). Ask the coordinator")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def done(self) -> None:
        """Note that the client is logged in."""
        self._done.set()
        for timer in self._timers:
            timer.cancel()

    def _try_certificates(self) -> None:
        """End the process where a certificate is refused; a server that starts later is asked later."""
        pause = min(FIRST_LOOK, self._wait / 2)
        while not self._done.wait(pause):
            if (refusal := refused_certificate(self._kit, self._holder.address)) is not None:
                self._end_refused(refusal)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _end_refused(self, refusal: str) -> None:
        end_in_one_line(
            f"site {self._holder.name} cannot log in at {self._holder.address}: {refusal}; "
            f"{self._kit / 'log.txt'} has FLARE's messages."
        )

    def _say_slow(self) -> None:
        say(f"no login at {self._holder.address} yet; trying again for at most {self._wait:g} s")

    def _give_up(self) -> None:
        end_in_one_line(
            f"no login at {self._holder.address} within {self._wait:g} s. Is the server running, and can it be reached "
            "from here? KIT/log.txt has FLARE's messages."
        )


def _try_once(client: Any, context: Any) -> FailedLogin | None:
    """Register FLARE's client once; return why it failed, None after a success.

    FLARE's own ``register`` hides the server's reason, and after a failure stops the client's heartbeats for good.
    """
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # FLARE prints tracebacks; it logs the reason too
            registered = client.communicator.client_registration(
                client.client_name, next(iter(client.servers)), context
            )
    except RuntimeError as error:  # no cell yet, or an answer that cannot be verified
        return FailedLogin(str(error))
    except FLCommunicationError as error:
        return _failed(error)
    if registered[0] is None:  # FLARE is about to end
        return FailedLogin("FLARE gave up")
    client.token, client.token_signature, client.ssid = registered
    client.fl_ctx.set_prop(FLContextKey.CLIENT_NAME, client.client_name, private=False)
    return None


def _failed(error: BaseException | None) -> FailedLogin:
    """Return the reason from the exceptions of FLARE's client: the earlier ones in the chain hold the server's own."""
    while isinstance(error, FLCommunicationError):
        if error.message.startswith(REJECTED):
            return FailedLogin(error.message.removeprefix(REJECTED), refused=True)
        error = error.__context__
    return FailedLogin("the server did not answer")


def end_in_one_line(reason: str) -> None:
    """End the process with a line and an exit code: FLARE's threads would keep it running, or end it silently."""
    os.write(2, f"fedbragg: {reason}\n".encode())  # sys.stderr may be redirected
    os._exit(NOT_DONE)
