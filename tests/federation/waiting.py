"""Wait for what other threads and processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

TIMEOUT = 40.0
"""Seconds after which a test gives up waiting."""


def wait_for(condition: Callable[[], Any], what: str, timeout: float = TIMEOUT, pause: float = 0.05) -> Any:
    """Return the condition's value once it is true; ask every ``pause`` seconds."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(pause)
    raise AssertionError(f"{what} did not happen within {timeout:g} s")
