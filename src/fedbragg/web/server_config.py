"""The settings of every page's server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fedbragg.web.guard import Application

if TYPE_CHECKING:
    import uvicorn

LOOPBACK = "127.0.0.1"
ONLY_HERE = frozenset({LOOPBACK, "localhost"})
"""Names of this machine that no other can reach."""


def server_config(
    application: Application, log_level: str, certificate: Path | None = None, key: Path | None = None
) -> uvicorn.Config:
    """Return the settings of a server that sends no version of itself; certificate and key, in PEM, are for TLS."""
    import uvicorn

    return uvicorn.Config(
        application,
        log_config=None,  # its own would close the logging handlers of all other packages
        log_level=log_level,
        access_log=False,  # it would hold the token
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=2,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
