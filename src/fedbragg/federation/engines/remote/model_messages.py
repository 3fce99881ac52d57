"""Messages that hold a model, as the server sends them, and how long one with an update may be."""

from __future__ import annotations

import threading

from fedbragg.federation.engines.remote.protocol import LARGEST_HEAD, Message, encode_message
from fedbragg.federation.plan import Plan
from fedbragg.types import State


class ModelMessages:
    """Encode models; any thread may ask. Every site of a round gets the same one, so the last is kept."""

    def __init__(self) -> None:
        self._last: tuple[State | None, bytes] = (None, b"")
        self._lock = threading.Lock()

    def of(self, model: State) -> bytes:
        """Return the message with a model."""
        with self._lock:
            if self._last[0] is not model:
                self._last = (model, encode_message(Message({}, model)))
            return self._last[1]


def largest_update(plan: Plan, model: State) -> int:
    """Return the bytes of the longest message with an update.

    No number takes more than 8; a masked one has two numbers, and a gradient has as many as the model.
    """
    most = 16 if plan.privacy.secure or plan.rule.sends_gradient else 8
    return 2 * LARGEST_HEAD + sum(most * tensor.size for tensor in model.values())
