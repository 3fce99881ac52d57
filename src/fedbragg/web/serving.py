"""Serve a page: on this machine alone, or elsewhere over TLS, always behind a random token."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fedbragg.errors import ConfigError
from fedbragg.web.guard import Admission, Application
from fedbragg.web.server_config import LOOPBACK, ONLY_HERE, server_config

if TYPE_CHECKING:
    import uvicorn

EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # refused
Over = Callable[[], bool]
"""Whether the server is about to end, so that answers without an end must end now."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The address at which the server listens."""

    host: str = LOOPBACK
    port: int = 0  # 0: any that is free
    certificate: Path | None = None  # PEM
    key: Path | None = None  # PEM
    remedy: str = "Give another --host or --port."  # where it cannot listen there

    def check(self) -> None:
        """Raise ConfigError where the page would leave this machine unencrypted, or TLS lacks a file."""
        if (self.certificate is None) != (self.key is None):
            raise ConfigError("--tls-cert and --tls-key belong together. Give both.")
        if self.host in EVERYWHERE:
            raise ConfigError(
                f"--host {self.host!r}: give the one name or address that browsers will ask for."
            )
        if self.host not in ONLY_HERE and self.certificate is None:
            raise ConfigError(
                f"--host {self.host} shows the page to the network. Give --tls-cert and --tls-key as well."
            )
        for option, path in (("--tls-cert", self.certificate), ("--tls-key", self.key)):
            if path is not None and not path.is_file():
                raise ConfigError(f"{option} {path}: no such file. Give a file in PEM format.")

    @property
    def scheme(self) -> str:
        """Return how browsers ask."""
        return "http" if self.certificate is None else "https"


def serve(
    application: Callable[[Admission], Application], listening: Listening, tell: Callable[[str], None]
) -> None:
    """Serve until interrupted; ``tell`` gets the address. Raises ConfigError if it cannot listen there."""
    with _prepared(application, listening, "warning") as (server, listener, address):
        tell(address)
        server.run(sockets=[listener])


@contextmanager
def served(application: Callable[[Admission, Over], Application], listening: Listening) -> Iterator[str]:
    """Serve from a thread during the block and give the address. Raises ConfigError if it cannot listen there."""
    over = threading.Event()
    with _prepared(lambda admission: application(admission, over.is_set), listening, "error") as prepared:
        server, listener, address = prepared
        run = {"sockets": [listener]}
        thread = threading.Thread(target=server.run, kwargs=run, name="fedbragg-page", daemon=True)
        thread.start()
        try:
            yield address
        finally:
            over.set()
            server.should_exit = True
            thread.join()


@contextmanager
def _prepared(
    application: Callable[[Admission], Application], listening: Listening, log_level: str
) -> Iterator[tuple[uvicorn.Server, socket.socket, str]]:
    """Give a server, the socket that it is to listen on, and its address."""
    listening.check()
    import uvicorn

    with _listen(listening) as listener:
        port, token = listener.getsockname()[1], secrets.token_urlsafe(24)
        origins = frozenset(
            f"{listening.scheme}://{host}{_port(port, listening)}" for host in _hosts(listening)
        )
        app = application(Admission(token, origins))
        config = server_config(app, log_level, listening.certificate, listening.key)
        _load(config, listening)
        yield uvicorn.Server(config), listener, f"{listening.scheme}://{listening.host}:{port}/{token}/"


def _load(config: uvicorn.Config, listening: Listening) -> None:
    """Read the TLS files now, so that a wrong one is reported in one line."""
    try:
        config.load()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigError(f"{listening.certificate}, {listening.key}: no TLS files ({error}).") from None


def _hosts(listening: Listening) -> set[str]:
    return set(ONLY_HERE) if listening.host in ONLY_HERE else {listening.host}


def _port(port: int, listening: Listening) -> str:
    """Return the port as browsers write it, who leave out their scheme's own."""
    return "" if port == {"http": 80, "https": 443}[listening.scheme] else f":{port}"


def _listen(listening: Listening) -> socket.socket:
    try:
        listener = socket.create_server((listening.host, listening.port))
    except (OSError, OverflowError) as error:
        where, reason = f"{listening.host}:{listening.port}", getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{where}: cannot listen there ({reason}). {listening.remedy}") from None
    listener.set_inheritable(False)
    return listener
