"""An account's connection to the server: FLARE's login with the kit's certificate, and our four commands over it."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nvflare.fuel.flare_api.api_spec import AuthenticationError, AuthorizationError
from nvflare.fuel.flare_api.flare_api import Session, new_secure_session

from fedbragg.config import Federation
from fedbragg.errors import FederationError
from fedbragg.federation.engines.nvflare.admin_commands import MODEL, START, STATUS, STOP
from fedbragg.federation.engines.nvflare.kit import open_kit
from fedbragg.federation.engines.remote.protocol import check_protocol, decode_message, versioned
from fedbragg.federation.engines.remote.server_folder import without_paths
from fedbragg.types import State

LOGIN_TIMEOUT = 10.0
"""Seconds for one login."""
RETRY = 1.0
"""Seconds between two tries to reach the server."""


class AdminClient:
    """Give commands with an account's kit; it logs in when needed, and again after an outage of the server."""

    def __init__(self, kit: Path, timeout: float, say: Callable[[str], None] = lambda _: None) -> None:
        """Use ``kit``; give up when the server has not answered for ``timeout`` seconds.

        ``say`` is called once when the server does not answer, and once when it answers again.
        """
        self._account = open_kit(kit, "coordinator", "observer").account
        self._kit, self._timeout, self._say = kit, timeout, say
        self._session: Session | None = None

    def __enter__(self) -> AdminClient:
        """Return the client; nothing is opened before it is needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Log out."""
        self.close()

    def start(self, settings: Federation, *, restart: bool) -> str:
        """Start a federation and return its name; without ``restart``, resume one of equal settings."""
        fields = {"settings": without_paths(settings), "restart": restart}
        return str(self._answer(START, fields)["federation"])

    def stop(self) -> None:
        """End the federation."""
        self._answer(STOP, {})

    def status(self, since: int = 0) -> dict[str, Any]:
        """Return the state of the federation, with its history from line ``since`` on."""
        status: dict[str, Any] = self._answer(STATUS, {"since": since})
        return status

    def model(self) -> State:
        """Fetch the finished model."""
        message, length = b"", 1
        while len(message) < length:
            answer = self._answer(MODEL, {"offset": len(message)})
            message += base64.b85decode(answer["chunk"])
            length = answer["length"]
        return decode_message(message, "the server", "this account").tensors

    def close(self) -> None:
        """Log out."""
        if self._session is not None:
            with contextlib.suppress(Exception):  # the server may be gone
                self._session.close()
            self._session = None

    def _answer(self, command: str, fields: dict[str, Any]) -> Any:
        """Return the server's answer; raise FederationError for an error, a missing right or a server that is away."""
        reply = self._reply(command, versioned(fields))
        check_protocol(reply, "the server", "this account")
        if "error" in reply:
            raise FederationError(str(reply["error"]))
        return reply["answer"]

    def _reply(self, command: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the server's reply, as soon as it can be reached."""
        start, silent = time.monotonic(), False
        while True:
            try:
                reply = self._try(command, fields)
            except (AuthorizationError, AuthenticationError) as error:
                raise FederationError(
                    f"{self._account} may not do this ({error}). "
                    "The coordinator may start and stop, an observer may look."
                ) from None
            except Exception as error:  # FLARE raises many kinds while a server is away
                self.close()
                if time.monotonic() - start > self._timeout:
                    raise FederationError(
                        f"the server has not answered for {self._timeout:g} s ({error}). "
                        "Is `fedbragg serve` running, and can its address be reached from here?"
                    ) from None
                if not silent:
                    self._say(f"the server does not answer; trying for {self._timeout:g} s")
                silent = True
                time.sleep(RETRY)
            else:
                if silent:
                    self._say(f"the server answers again, after {time.monotonic() - start:.0f} s")
                return reply

    def _try(self, command: str, fields: dict[str, Any]) -> dict[str, Any]:
        if self._session is None:
            with contextlib.redirect_stdout(io.StringIO()):  # FLARE prints that it connects
                self._session = new_secure_session(
                    self._account,
                    str(self._kit),
                    timeout=min(LOGIN_TIMEOUT, self._timeout),
                    auto_login_max_tries=1,
                )
        # FLARE's own commands are sent by the same private methods.
        response = self._session._do_command(command, enforce_meta=False, props=fields)  # noqa: SLF001
        reply: dict[str, Any] = json.loads(Session._get_string_data(response))  # noqa: SLF001
        return reply
