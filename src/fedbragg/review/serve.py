"""Serve the page: on this machine alone, or elsewhere over TLS, always behind a random token."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fedbragg.errors import ConfigError
from fedbragg.web.guard import Admission, Application
from fedbragg.web.server_config import LOOPBACK, ONLY_HERE, server_config

EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # refused


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the server listens."""

    host: str = LOOPBACK
    port: int = 0  # 0: any that is free
    certificate: Path | None = None  # PEM
    key: Path | None = None  # PEM

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
                f"--host {self.host} shows frames to the network. Give --tls-cert and --tls-key as well."
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
    listening.check()
    import uvicorn

    with _listen(listening) as listener:
        port, token = listener.getsockname()[1], secrets.token_urlsafe(24)
        origins = frozenset(
            f"{listening.scheme}://{host}{_port(port, listening)}" for host in _hosts(listening)
        )
        app = application(Admission(token, origins))
        config = server_config(app, "warning", listening.certificate, listening.key)
        _load(config, listening)
        tell(f"{listening.scheme}://{listening.host}:{port}/{token}/")
        uvicorn.Server(config).run(sockets=[listener])


def _load(config: object, listening: Listening) -> None:
    """Read the TLS files now, so that a wrong one is said in one line."""
    try:
        config.load()  # type: ignore[attr-defined]
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
    except OSError as error:
        raise ConfigError(
            f"{listening.host}:{listening.port}: cannot listen there ({error.strerror}). Give another --host or --port."
        ) from None
    listener.set_inheritable(False)
    return listener
