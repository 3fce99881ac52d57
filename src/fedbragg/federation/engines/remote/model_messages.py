"""The server's messages that hold a model, and the largest size of one with an update."""

from __future__ import annotations

import threading

from fedbragg.federation.engines.remote.protocol import LARGEST_HEAD, Message, encode_message
from fedbragg.federation.plan import Plan
from fedbragg.types import State


class ModelMessages:
    """Encodes models, from any thread. All sites of a round get the same model, so the last message is kept."""

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

    A number takes at most 8 bytes; a masked one counts as two numbers, and a gradient has as many as the model.
    """
    most = 16 if plan.privacy.secure or plan.rule.sends_gradient else 8
    return 2 * LARGEST_HEAD + sum(most * tensor.size for tensor in model.values())
