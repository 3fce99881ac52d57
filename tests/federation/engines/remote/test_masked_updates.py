"""Real clients whose updates are summed under masks: what they send, resend and refuse."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import InProcessFederation, barriers, failures, settings
from softmax import skewed_problem

from fedbragg.config import Federation
from fedbragg.errors import NoAnswerError
from fedbragg.federation import federate
from fedbragg.federation.engines.remote.audit import compare, read_audit, totals
from fedbragg.federation.engines.remote.masked_updates import ListsInFile
from fedbragg.federation.engines.remote.protocol import Message, decode_message
from fedbragg.testing import DirectLink

if find_spec("cryptography") is None:
    pytest.skip("cryptography is not installed: pip install 'fedbragg[secure]'", allow_module_level=True)

from fedbragg.federation.secure.identity import generated_credentials

SITES = ("site0", "site1", "site2")


def secured(**rules: Any) -> dict[str, Any]:
    table = settings(clip=10.0, **rules)
    return {**table, "privacy": {"secure": True}, "sites": [{"name": name} for name in SITES]}


class RecordingLink:
    """A link that keeps what is sent, and loses the answer to the first message of each topic."""

    def __init__(self, link: DirectLink) -> None:
        self._link = link
        self.sent: list[tuple[str, Message]] = []
        self.lost: set[str] = set()

    def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
        self.sent.append((topic, decode_message(payload)))
        answer = self._link.ask(topic, payload, timeout)
        if topic in ("trained", "sum", "answer") and topic not in self.lost:
            self.lost.add(topic)
            raise NoAnswerError(f"{topic}: lost")
        return answer


def test_the_model_is_the_plain_rule_s_and_only_masked_numbers_leave(federation: InProcessFederation) -> None:
    known = generated_credentials(SITES)
    links = {name: RecordingLink(DirectLink(federation.service, name)) for name in SITES}
    for name in SITES:
        federation.join(name, "[limits]\nsecure = true\n", link=links[name], credentials=known[name])
    federation.start(secured(barriers=2))
    status = federation.ended()
    assert status["barrier"] == 2, status
    problem = skewed_problem()
    table = {**settings(clip=10.0), "sites": [{"name": "any", "runs": ["a.h5"], "labels": "a.csv"}]}
    plain = federate(Federation.model_validate(table), problem.sites[:3], problem.initial)
    model = decode_message(federation.service.model_chunk(0)[0]).tensors
    for name, tensor in plain.model.items():
        np.testing.assert_allclose(model[name], tensor, atol=1e-5)
    for name, link in links.items():
        fields = {topic: message.fields for topic, message in link.sent}
        assert set(fields) <= {"poll", "settings", "model", "trained", "sum", "answer", "final", "leave"}
        assert fields["trained"].keys() == {"request", "sum"}
        assert not any(key in json.dumps(fields) for key in ("samples", "label_counts", "loss", "secret"))
        vectors = [m for _, m in link.sent if m.tensors]
        assert {frozenset(m.tensors) for m in vectors} == {frozenset(("counts", "numbers"))}
        assert link.lost == {"trained", "sum", "answer"}
        lines = (federation.folder / name / "signed.jsonl").read_text().splitlines()
        assert [json.loads(line)["survivors"] for line in lines] == [list(SITES)] * 2
    federation.close()
    federation.start(
        barriers=1, deadline=0.2
    )  # another federation empties the server's folder, not its record
    received = read_audit(federation.folder / "received.jsonl")
    for name in SITES:
        sent = read_audit(federation.folder / name / "sent.jsonl")
        assert not (sent.problems or received.problems or compare(sent.entries, received.entries, name))
        assert totals(sent.entries)["answer"][0] == 2 * 4  # two barriers, four steps
    assert all(row["loss"] is row["samples"] is None for row in status["sites"])
    assert not any("loss" in line for line in status["history"] if line["event"] == "update")


def test_a_site_without_a_certificate_or_with_a_limit_declines(federation: InProcessFederation) -> None:
    known = generated_credentials(SITES)
    federation.join("site0", credentials=known["site0"])
    federation.join("site1", "[limits]\ntasks = ['tags']\n", credentials=known["site1"])
    federation.join("site2")
    federation.start(secured(deadline=6.0))
    status = federation.ended()
    assert {
        "site1: this site takes no part in the task 'hits' (its own limit)",
        "site2: this site has no certificate to sign with",
    } <= set(failures(status))
    assert (status["ended"], barriers_of(status)) == (
        "fewer than 3 sites are left, too few for a masked sum",
        [],
    )


def barriers_of(status: dict[str, Any]) -> list[Any]:
    return [line for line in status["history"] if line["event"] == "barrier"]


def test_a_site_may_demand_secure_aggregation(federation: InProcessFederation) -> None:
    federation.join("site0", "[limits]\nsecure = true\n")
    federation.join("site1")
    federation.start()
    status = federation.ended()
    assert failures(status) == ["site0: this site takes part only with secure aggregation (its own limit)"]
    assert barriers(status) == [{"site1"}] * 2


def test_signed_lists_outlive_a_restart(tmp_path: Path) -> None:
    lists = ListsInFile(tmp_path / "signed.jsonl")
    assert lists.signed_for("m") is None
    lists.add("m", ("a", "b", "c"))
    lists.add("m", ("a", "b", "c"))
    assert ListsInFile(lists.path).signed_for("m") == ("a", "b", "c")
    assert lists.signed_for("other") is None
    assert len(lists.path.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "Unknown", "content": {}},
        {"kind": "SignedList", "content": {"signature": "*"}},
        {"kind": "Advert", "content": {"site": "site0"}},
        {"kind": "MaskedVector"},
        {},
    ],
)
def test_a_damaged_message_of_a_sum_is_answered_with_an_error(
    federation: InProcessFederation, fields: dict[str, Any]
) -> None:
    federation.start(secured())
    request = federation.request_of("site0")
    for topic in ("trained", "answer"):
        extra = {"request": request["name"], "number": 1, "position": 1}
        assert "error" in federation.ask("site0", topic, sum=fields, **extra).fields
    assert federation.service.status()["state"] == "running"
