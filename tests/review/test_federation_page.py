"""The state of a federation as the page gets it: the newest status with what its whole history holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fedbragg.errors import FederationError
from fedbragg.review.federation_page import FederationState, summary

HISTORY: list[Mapping[str, Any]] = [
    {"event": "start"},
    {"event": "joined", "site": "a"},
    {"event": "update", "site": "a", "bytes": 700},
    {"event": "update", "site": "b", "bytes": 300},
    {"event": "barrier", "barrier": 1, "losses": {"a": 0.5, "b": 0.75}, "weights": {"a": 0.25, "b": 0.75}},
    {"event": "update", "site": "a", "bytes": 50},
    {"event": "barrier", "barrier": 2, "losses": {"a": 0.25}, "weights": {"a": 1.0}},
    {"event": "left", "site": "b", "reason": "no message"},
]


class Scripted:
    """A server that answers with its history up to a line, or not at all."""

    def __init__(self) -> None:
        self.lines, self.away, self.asked = 0, False, list[int]()

    def __call__(self, since: int) -> Mapping[str, Any]:
        self.asked.append(since)
        if self.away:
            raise FederationError("the server does not answer.")
        history = HISTORY[: self.lines]
        return {"state": "running", "sites": [{"site": "a"}], "lines": self.lines, "history": history[since:]}


def test_a_history_gives_losses_by_barrier_the_last_weights_and_all_bytes() -> None:
    assert summary(HISTORY) == {
        "losses": {"a": [(1, 0.5), (2, 0.25)], "b": [(1, 0.75)]},
        "weights": {"a": 1.0},
        "update_bytes": {"a": 750, "b": 300},
    }


def test_only_new_lines_are_asked_for_and_a_restarted_server_is_asked_for_all() -> None:
    server = Scripted()
    state = FederationState(server)
    for lines in (3, 8):
        server.lines = lines
        state.now()
    assert server.asked == [0, 3]
    assert state.now()["losses"] == summary(HISTORY)["losses"]
    server.lines = 5  # it went on from its last barrier
    assert state.now()["losses"] == {"a": [(1, 0.5)], "b": [(1, 0.75)]}
    assert server.asked == [0, 3, 8, 8, 0]


def test_what_was_known_stays_while_the_server_is_away() -> None:
    server = Scripted()
    state = FederationState(server)
    server.away = True
    assert state.now() == {"state": "none", "sites": [], "unreachable": "the server does not answer."}
    server.away, server.lines = False, 8
    assert state.now()["unreachable"] == ""
    server.away = True
    found = state.now()
    assert found["unreachable"] == "the server does not answer."
    assert found["weights"] == {"a": 1.0}
