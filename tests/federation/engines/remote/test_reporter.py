"""Reports on their way: when one counts as delivered, and what goes before a large one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedbragg.errors import FederationError, NoAnswerError
from fedbragg.federation.engines.remote import protocol
from fedbragg.federation.engines.remote.client_state import Ready, Reporting
from fedbragg.federation.engines.remote.connection import ServerConnection
from fedbragg.federation.engines.remote.masked_updates import MaskedUpdates
from fedbragg.federation.engines.remote.protocol import Message, encode_message
from fedbragg.federation.engines.remote.reporter import Reporter
from fedbragg.federation.engines.remote.worker_messages import Failure
from fedbragg.federation.engines.remote.worker_process import WorkerProcess

FAILED = Reporting("1-1", Failure("public", "local"), Ready())


class Answers:
    """A link on which every message is answered alike."""

    def __init__(self, **fields: object) -> None:
        self._answer = memoryview(encode_message(Message(fields)))

    def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
        return self._answer


class Silent:
    def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
        raise NoAnswerError("lost")


class Site:
    """A reporter, and what it has done."""

    def __init__(self, folder: Path) -> None:
        self.worker = WorkerProcess((), folder / "work", lambda: None)
        (folder / "work").mkdir()
        self.done: list[str] = []
        announce = lambda _: self.done.append("announced")  # noqa: E731
        self.reporter = Reporter(self.worker, MaskedUpdates(None, folder), announce, self.done.append)

    def report(self, link: Answers | Silent, report: Reporting = FAILED) -> None:
        self.reporter.report(ServerConnection(link), report, lambda: self.done.append("delivered"))


def test_a_report_that_the_server_answers_is_delivered_whatever_it_answers(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.report(Answers(accepted=False))
    assert site.done == ["delivered"]
    with pytest.raises(FederationError, match="no such request"):
        site.report(Answers(error="no such request"))
    assert site.done == ["delivered", "delivered"]


def test_a_report_without_an_answer_is_not_delivered(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with pytest.raises(NoAnswerError):
        site.report(Silent())
    assert site.done == []


def test_a_large_update_is_announced_before_it_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path)
    (tmp_path / "work" / "update").write_bytes(b"x" * 100)
    site.report(Answers(accepted=True), Reporting("1-1", None, Ready()))
    assert site.done == ["delivered", "update of 100 bytes sent"]
    monkeypatch.setattr(protocol, "LARGE", 100)
    site.report(Answers(accepted=False), Reporting("1-1", None, Ready()))
    assert site.done[2:] == ["announced", "delivered", "update of 100 bytes sent; no longer needed"]
