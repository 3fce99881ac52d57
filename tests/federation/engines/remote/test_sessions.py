"""The table of sessions: who is connected, who is silent, which request is whose."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fedbragg.config import ServerSettings
from fedbragg.errors import ReplacedError
from fedbragg.federation.engines.remote.sessions import SessionTable, TrainingRequest
from fedbragg.types import Update

SERVER = ServerSettings(address="nowhere:1", site_timeout=10.0, message_timeout=50.0)


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(clock: Callable[[], float]) -> SessionTable:
    return SessionTable(["a", "b"], SERVER, clock)


def request(name: str = "r-1", version: int = 4) -> TrainingRequest:
    return TrainingRequest(name, version, epochs=2, model={})


def test_a_site_connects_at_its_first_poll_and_after_a_restart_of_its_client(table: SessionTable) -> None:
    assert table.poll("a", "client-1", sending=False) == (True, None)
    wanted = request()
    table.assign("a", wanted)
    assert table.poll("a", "client-1", sending=False) == (False, wanted)
    assert table.poll("a", "client-2", sending=False) == (True, None)  # it knows nothing of the request


def test_a_client_ends_where_another_one_of_its_site_has_come(table: SessionTable) -> None:
    table.poll("a", "old", sending=False)
    table.assign("a", wanted := request())
    assert table.poll("a", "new", sending=False) == (True, None)
    table.assign("a", wanted)
    for _ in range(2):
        with pytest.raises(ReplacedError, match="another client of site a has connected since"):
            table.poll("a", "old", sending=False)
    assert table.poll("a", "new", sending=False) == (False, wanted)  # it goes on undisturbed
    assert table.poll("b", "old", sending=False) == (True, None)  # names belong to their site


def test_a_silent_site_is_gone_until_it_polls_again(table: SessionTable, clock: Clock) -> None:
    table.poll("a", "client", sending=False)
    table.assign("a", request())
    clock.now = 10.0
    assert table.disconnect_silent() == []
    clock.now = 10.1
    assert table.disconnect_silent() == [("a", 10.0)]
    assert table.disconnect_silent() == []  # once only; b has never been heard
    assert table.request("a", "r-1") is None
    assert table.poll("a", "client", sending=False) == (True, None)


def test_a_site_that_sends_a_large_update_may_be_silent_as_long_as_a_message_may_take(
    table: SessionTable, clock: Clock
) -> None:
    table.poll("a", "client", sending=True)
    clock.now = 50.0
    assert table.disconnect_silent() == []
    clock.now = 50.1
    assert table.disconnect_silent() == [("a", 50.0)]


def test_so_may_a_site_that_receives_a_large_model(table: SessionTable, clock: Clock) -> None:
    table.poll("a", "client", sending=False)
    table.model_sent("a", 2_000_000, large=True)
    clock.now = 11.0
    assert table.disconnect_silent() == []
    table.poll("a", "client", sending=False)  # the model has arrived
    clock.now = 21.1
    assert table.disconnect_silent() == [("a", 10.0)]


def test_only_the_current_request_can_be_closed_and_only_once(table: SessionTable) -> None:
    table.poll("a", "client", sending=False)
    current = request("r-2")
    table.assign("a", current)
    assert table.close_request("a", "r-1", received=7) is None
    assert table.close_request("a", "r-2", received=5) is current
    assert table.close_request("a", "r-2", received=3) is None
    assert table.rows()[0]["received"] == 15


def test_only_the_connected_client_can_leave(table: SessionTable) -> None:
    table.poll("a", "client-2", sending=False)
    assert not table.leave("a", "client-1")
    assert table.leave("a", "client-2")
    assert not table.leave("a", "client-2")
    assert table.rows()[0]["doing"] == "gone"


def test_the_status_of_every_site(table: SessionTable, clock: Clock) -> None:
    table.poll("a", "client", sending=False)
    table.assign("a", request(version=7))
    table.model_sent("a", 1000, large=False)
    table.note_update(Update("a", 6, {}, 40, ((30, 10),), 0.25))
    table.note_problem("a", "failed: no memory")
    clock.now = 2.04
    a, b = table.rows()
    assert a == {
        "site": "a",
        "doing": "training on 7",
        "silent": 2.0,
        "version": 6,
        "loss": 0.25,
        "samples": 40,
        "sent": 1000,
        "received": 0,
        "problem": "failed: no memory",
    }
    assert (b["doing"], b["silent"], b["version"]) == ("awaited", None, None)
    table.assign("a", None)
    assert table.rows()[0]["doing"] == "waiting"
