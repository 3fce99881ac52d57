"""An account's way to the server: FLARE's login with the kit's certificate, and our four commands over it."""

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
from fedbragg.federation.engines.remote.protocol import decode_message
from fedbragg.federation.engines.remote.service import without_paths
from fedbragg.types import State

LOGIN = 10.0
"""Seconds for one login."""


class AdminClient:
    """Log in when needed, and again after the server has been away."""

    def __init__(self, kit: Path, patience: float, tell: Callable[[str], None] = lambda _: None) -> None:
        """Use ``kit``; give up, in the end, when the server has not answered for ``patience`` seconds.

        ``tell`` hears, once each time, that the server does not answer, and that it does again.
        """
        self._name = open_kit(kit, "coordinator", "observer").account
        self._kit, self._patience, self._tell = kit, patience, tell
        self._session: Session | None = None

    def __enter__(self) -> AdminClient:
        """Return it; nothing is opened before it is needed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Log out."""
        self.close()

    def start(self, settings: Federation, *, anew: bool) -> str:
        """Start a federation, or join the same one that runs; return its name."""
        return str(self._do(START, {"settings": without_paths(settings), "anew": anew})["federation"])

    def stop(self) -> None:
        """End the federation."""
        self._do(STOP, {})

    def status(self, since: int = 0) -> dict[str, Any]:
        """Return how things stand, with the history from line ``since`` on."""
        told: dict[str, Any] = self._do(STATUS, {"since": since})
        return told

    def model(self) -> State:
        """Fetch the finished model."""
        pieces, had, length = [], 0, 1
        while had < length:
            told = self._do(MODEL, {"offset": had})
            pieces.append(base64.b85decode(told["piece"]))
            had, length = had + len(pieces[-1]), told["length"]
        return decode_message(b"".join(pieces)).tensors

    def close(self) -> None:
        """Log out."""
        if self._session is not None:
            with contextlib.suppress(Exception):  # a farewell; the server may be gone
                self._session.close()
            self._session = None

    def _do(self, command: str, told: dict[str, Any]) -> Any:
        began, silent = time.monotonic(), False
        while True:
            try:
                answer = self._once(command, told)
                break
            except (AuthorizationError, AuthenticationError) as error:
                raise FederationError(
                    f"{self._name} may not do this ({error}). A lead may start and stop, an observer may look."
                ) from None
            except Exception as error:  # FLARE raises many kinds while a server is away
                self.close()
                if time.monotonic() - began > self._patience:
                    raise FederationError(
                        f"the server has not answered for {self._patience:g} s ({error}). "
                        "Is `fedbragg serve` running, and can its address be reached from here?"
                    ) from None
                if not silent:
                    self._tell(f"the server does not answer; trying for {self._patience:g} s")
                silent = True
                time.sleep(1.0)
        if silent:
            self._tell(f"the server answers again, after {time.monotonic() - began:.0f} s")
        if "error" in answer:
            raise FederationError(str(answer["error"]))
        return answer["answer"]

    def _once(self, command: str, told: dict[str, Any]) -> dict[str, Any]:
        if self._session is None:
            with contextlib.redirect_stdout(io.StringIO()):  # it tells that it connects
                self._session = new_secure_session(
                    self._name, str(self._kit), timeout=min(LOGIN, self._patience), auto_login_max_tries=1
                )
        reply = self._session._do_command(command, enforce_meta=False, props=told)  # noqa: SLF001  its own commands go so
        told_back: dict[str, Any] = json.loads(Session._get_string_data(reply))  # noqa: SLF001
        return told_back
