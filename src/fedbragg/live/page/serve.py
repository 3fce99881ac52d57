"""Serve the live page from a thread, on this machine alone, behind a random token."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fedbragg.errors import ConfigError
from fedbragg.live.page.state import LiveState
from fedbragg.web.guard import Admission
from fedbragg.web.server_config import LOOPBACK, ONLY_HERE, server_config


@contextmanager
def served(state: LiveState, port: int) -> Iterator[str]:
    """Serve a state during the block and give the page's address; raise ConfigError where the port is taken.

    Port 0 is any that is free.
    """
    import uvicorn

    from fedbragg.live.page.server import METRICS, application

    with _listen(port) as listener:
        number, token, over = listener.getsockname()[1], secrets.token_urlsafe(24), threading.Event()
        origins = frozenset(f"http://{host}:{number}" for host in ONLY_HERE)
        app = application(state, Admission(token, origins, frozenset({METRICS})), over.is_set)
        server = uvicorn.Server(server_config(app, "error"))
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="fedbragg-page", daemon=True
        )
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{number}/{token}/"
        finally:
            over.set()
            server.should_exit = True
            thread.join()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"--page {port}: cannot listen there ({reason}). Give another port, or 0 for any."
        ) from None
