"""Ctrl-C, and the signal by which batch systems end a job: finish the frame, then stop."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Notes the first signal in ``signal``; a second one acts as usual, at once."""

    def __init__(self) -> None:
        self.signal = 0
        self._usual: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        """Begin to listen; only the main thread of a process can."""
        if threading.current_thread() is threading.main_thread():
            self._usual = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the signals back."""
        for number, usual in self._usual.items():
            signal.signal(number, usual)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        for other, usual in self._usual.items():
            signal.signal(other, usual)
