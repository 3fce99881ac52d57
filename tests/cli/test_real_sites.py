"""How the command line follows and shows a federation of real sites."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from rich.console import Console

from fedbragg.cli import real_sites
from fedbragg.cli.real_sites import (
    bytes_by_barrier,
    event_line,
    follow,
    headline,
    size_text,
    status_table,
)
from fedbragg.errors import FederationError

START = {"event": "start"}
JOINED = {"event": "joined", "site": "a"}
UPDATE = {"event": "update", "site": "a", "bytes": 700}
BARRIER = {"event": "barrier", "barrier": 1, "loss": 0.5, "losses": {"a": 0.5}}


def status_of(state: str, history: list[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    ended = "all done" if state == "finished" else None
    row = {"site": "a", "doing": "gone", "silent": 7.2, "version": 3, "loss": 0.25, "samples": 9}
    row |= {"sent": 1500, "received": 3_200_000, "problem": "left: no message for 4 s"}
    numbers = {"time": 61.0, "version": 4, "barrier": 1, "barriers": 6}
    return {
        **numbers,
        "federation": "f",
        "state": state,
        "problem": None,
        "sites": [row],
        "history": history,
        "lines": len(history),
        "ended": ended,
        **more,
    }


class Scripted:
    """A server that answers from a list of whole histories."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self._answers = list(answers)

    def status(self, since: int) -> dict[str, Any]:
        answer = self._answers.pop(0)
        return {**answer, "history": answer["history"][since:]}


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_sites, "INTERVAL", 0.0)


def test_the_history_is_put_together_from_what_is_new() -> None:
    whole = [START, JOINED, UPDATE, BARRIER]
    shown: list[int] = []
    server = Scripted(
        status_of("running", whole[:2]), status_of("running", whole[:3]), status_of("finished", whole)
    )
    assert follow(server, lambda now: shown.append(len(now["history"])))["history"] == whole
    assert shown == [2, 3, 4]


def test_a_restarted_server_is_followed_from_its_last_barrier(capsys: pytest.CaptureFixture[str]) -> None:
    before, after = [START, JOINED, UPDATE, BARRIER, UPDATE], [START, JOINED, UPDATE, BARRIER]
    ended = status_of("finished", [*after, UPDATE, UPDATE])
    server = Scripted(
        status_of("running", before), status_of("running", after), status_of("running", after), ended
    )
    assert follow(server, lambda _: None)["history"] == [*after, UPDATE, UPDATE]
    assert capsys.readouterr().out == "the server was restarted; the federation resumes from barrier 1\n"


def test_a_restarted_server_may_take_time_to_read_its_last_barrier() -> None:
    before, after = [START, JOINED, UPDATE, BARRIER, UPDATE], [START, JOINED, UPDATE, BARRIER]
    reading = {"federation": "f", "state": "preparing", "problem": None, "history": []}
    server = Scripted(
        status_of("running", before), reading, status_of("running", after), status_of("finished", after)
    )
    assert follow(server, lambda _: None)["history"] == after


@pytest.mark.parametrize(
    ("state", "reason"), [("failed", "the model broke"), ("none", "holds no federation")]
)
def test_a_federation_that_failed_or_is_gone_ends_the_command(state: str, reason: str) -> None:
    problem = reason if state == "failed" else None
    with pytest.raises(FederationError, match=reason):
        follow(Scripted(status_of(state, [], problem=problem)), lambda _: None)


def test_bytes_are_counted_barrier_by_barrier() -> None:
    history = [START, UPDATE, UPDATE, BARRIER, UPDATE]
    assert bytes_by_barrier(history) == {1: 1400, 2: 700}
    assert event_line(BARRIER, bytes_by_barrier(history)) == "barrier 1: loss 0.500 from a; updates 1.4 kB"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (28_192_592, "28.2 MB"), (5e11, "500 GB")]
)
def test_sizes_are_written_in_the_unit_that_suits_them(count: int, text: str) -> None:
    assert size_text(count) == text


def test_the_table_shows_sites_and_their_last_problems() -> None:
    page = io.StringIO()
    Console(width=110, file=page).print(status_table(status_of("running", [])))
    words = " ".join(page.getvalue().split())
    assert headline(status_of("running", [])) == "f: running, barrier 1 of 6, version 4, 61 s"
    assert words.startswith("f: running, barrier 1 of 6, version 4, 61 s site doing last message version")
    assert "a gone 7 s ago 3 0.250 9 1.5 kB 3.2 MB" in words
    assert words.endswith("a: left: no message for 4 s")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--host", "0.0.0.0"], "give the one name or address"),
        (["--host", "example.org"], "shows the page to the network. Give --tls-cert and --tls-key as well."),
        (["--tls-cert", "c.pem"], "--tls-cert and --tls-key belong together. Give both."),
    ],
)
@pytest.mark.parametrize("command", [["join", "kit", "--data", "own.toml"], ["status", "--kit", "kit"]])
def test_where_a_page_must_not_listen_is_refused_in_one_line(
    command: list[str], options: list[str], line: str, refused_here: Callable[..., str]
) -> None:
    assert line in refused_here(*command, "--page", *options)


def test_networks_are_shown_where_they_differ() -> None:
    def header(networks: Mapping[str, str]) -> list[str]:
        page = io.StringIO()
        Console(width=120, file=page).print(status_table(status_of("running", [], networks=networks)))
        return page.getvalue().splitlines()[2:5]

    names, _, row = header({"a": "spotnet", "b": "resnet18"})
    assert names.split()[:3] == ["site", "network", "doing"]
    assert row.split()[:3] == ["a", "spotnet", "gone"]
    for same in ({}, {"a": "spotnet", "b": "spotnet"}):
        assert header(same)[0].split()[:2] == ["site", "doing"]
