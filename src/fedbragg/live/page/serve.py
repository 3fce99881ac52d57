"""Serve the live page from a thread, on this machine alone, behind a random token."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace

from fedbragg.live.page.state import LiveState
from fedbragg.web.serving import Listening
from fedbragg.web.serving import served as page_served


def served(state: LiveState, port: int) -> AbstractContextManager[str]:
    """Serve a state during the block and give the page's address; raise ConfigError where the port is taken.

    Port 0 is any that is free.
    """
    from fedbragg.live.page.server import METRICS, application

    return page_served(
        lambda admission, over: application(state, replace(admission, public=frozenset({METRICS})), over),
        Listening(port=port, remedy="Give --page another port, or 0 for any."),
    )
