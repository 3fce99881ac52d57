"""What a site's page shows, from the files of a real client beside a real service."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "federation"))
sys.path.append(str(Path(__file__).parents[1] / "federation" / "engines" / "remote"))

from in_process import InProcessFederation, settings
from waiting import wait_for

from fedbragg.federation.engines.remote.audit_log import SENT, AuditLog
from fedbragg.federation.engines.remote.protocol import Message, encode_message
from fedbragg.federation.engines.remote.site_config import Limits, SiteConfig, load_site_config
from fedbragg.federation.engines.remote.site_report import REPORT
from fedbragg.review.site_state import ROWS, ShownSite, SiteState, federation_rules, site_rules
from fedbragg.testing import DirectLink


@pytest.fixture
def federation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcessFederation]:
    monkeypatch.setenv("FEDBRAGG_TEST_FOLDER", str(tmp_path))
    opened = InProcessFederation(tmp_path)
    try:
        yield opened
    finally:
        opened.close()


def shown(federation: InProcessFederation, site: str) -> SiteState:
    config = load_site_config(federation.folder / f"{site}.toml")
    return SiteState(ShownSite(site, "host:1", federation.folder / site, config))


def empty(folder: Path) -> SiteState:
    return SiteState(ShownSite("a", "host:1", folder, SiteConfig(runs=("x",), labels="y")))


def test_before_anything_the_page_says_that_the_site_connects(tmp_path: Path) -> None:
    state = empty(tmp_path)
    now = state.now()
    assert (now["doing"], now["record"]) == ("connecting to the server", {"totals": [], "problems": []})
    assert {each["topic"] for each in now["messages"]} == {
        "poll", "settings", "model", "failure", "veto", "final", "leave"
    }  # fmt: skip
    assert (now["federation_rules"], state.rows(0)) == ([], [])


def test_a_site_that_trains_and_leaves(federation: InProcessFederation) -> None:
    client = federation.join("site0")
    state = shown(federation, "site0")
    wait_for(lambda: state.now()["doing"] == "connected; no federation for this site runs", "the connection")
    federation.join("site1")
    federation.start(barriers=1000)
    wait_for(lambda: state.now()["sent"], "an update")
    now = state.now()
    update = next(each for each in now["messages"] if each["topic"] == "update")
    assert [each["name"] for each in update["tensors"]] == ["bias", "weight"]
    sent = next(row for row in state.rows(0) if row["topic"] == "update")
    assert 0 < sent["bytes"] - update["document"] < 300
    assert now["sent"].keys() == {"update"}
    assert sent["version"] == 0
    assert sum(size for _, (_, size) in now["record"]["totals"]) >= sent["bytes"]
    client.leave()
    wait_for(lambda: state.now()["ended"], "the end")
    assert federation.said["site0"][-1] == state.now()["doing"] == "left the federation; the server knows"


def test_the_shapes_are_known_before_the_site_has_read_its_data(federation: InProcessFederation) -> None:
    federation.start()
    federation.join("site0", worker_command=("sleep", "1000"))
    state = shown(federation, "site0")
    wait_for(lambda: state.now()["doing"] == "reading this site's data", "the worker")
    now = state.now()
    assert now["tensors_known"]
    assert sum(each["nbytes"] for each in now["messages"][0]["tensors"]) == 8 * (8 * 3 + 3)
    assert not any(row["topic"] == "update" for row in state.rows(0))


def test_a_refusal_is_shown_with_its_reason(federation: InProcessFederation) -> None:
    federation.join("site0", '[limits]\ntasks = ["phases"]\n')
    federation.start()
    state = shown(federation, "site0")
    wait_for(lambda: state.now()["refused"], "the refusal")
    assert state.now()["doing"] == "takes no part in this federation"
    assert state.now()["why"] == "this site takes no part in the task 'hits' (its own limit)"
    assert ("tasks", "phases") in state.now()["site_rules"]


def test_a_silent_server_is_shown_until_it_answers(federation: InProcessFederation) -> None:
    link = DirectLink(federation.service, "site0")
    link.is_cut = True
    client = federation.join("site0", link=link)
    state = shown(federation, "site0")
    wait_for(lambda: "no answer from the server" in state.now()["trouble"], "the silence")
    link.is_cut = False
    client.wake()
    wait_for(lambda: state.now()["trouble"] == "", "the answer")


def test_only_new_lines_are_given_and_at_most_so_many(tmp_path: Path) -> None:
    log, state = AuditLog(tmp_path / SENT), empty(tmp_path)
    for number in range(ROWS + 20):
        log.message("a", "poll", encode_message(Message({"client": str(number)})))
    rows = state.rows(0)
    assert [row["line"] for row in rows] == list(range(21, ROWS + 21))
    log.no_answer("a", "poll", b"")
    totals = state.now()["record"]["totals"]
    assert state.rows(rows[-1]["line"])[0]["answered"] is False
    assert totals[0][1][0] == ROWS + 20  # a line about a missing answer is no message


def test_lines_that_are_cut_off_while_the_page_is_open_are_noticed(tmp_path: Path) -> None:
    log, state = AuditLog(tmp_path / SENT), empty(tmp_path)
    for number in range(3):
        log.message("a", "poll", encode_message(Message({"client": str(number)})))
    assert state.now()["record"]["problems"] == []
    (tmp_path / SENT).write_bytes(b"".join((tmp_path / SENT).read_bytes().splitlines(keepends=True)[:2]))
    for _ in range(2):
        [problem] = state.now()["record"]["problems"]
        assert problem.endswith("lines were removed while it was read")


def test_a_changed_line_is_named(tmp_path: Path) -> None:
    log, state = AuditLog(tmp_path / SENT), empty(tmp_path)
    for number in range(3):
        log.message("a", "poll", encode_message(Message({"client": str(number)})))
    content = (tmp_path / SENT).read_bytes().splitlines(keepends=True)
    (tmp_path / SENT).write_bytes(content[0] + content[2])
    assert "line 2 or the one before it was changed" in state.now()["record"]["problems"][0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"settings": {"no such section": {}}}, "cannot be worked out"),
        ({"model": {"w": ["float32", [1 << 40]]}}, "a model of more than"),
        ({"model": {"w": ["no type", [2]]}}, "cannot be worked out"),
        ({"model": ["w"]}, "cannot be worked out"),
    ],
)
def test_what_another_version_announces_is_said_and_not_a_crash(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    table = {name: part for name, part in settings().items() if name not in ("sites", "server")}
    report = {"doing": "training", "why": "", "trouble": "", "federation": "f", "sites": 0, "model": {}}
    (tmp_path / REPORT).write_text(json.dumps({**report, "settings": table, **change}))
    assert said in empty(tmp_path).now()["unknown"]


def test_an_update_of_an_earlier_federation_is_not_taken_for_one_of_this(tmp_path: Path) -> None:
    log, state = AuditLog(tmp_path / SENT), empty(tmp_path)
    numbers = {"w": np.zeros(3, np.float32)}
    log.message("a", "update", encode_message(Message({"loss": 1.0}, numbers)))
    assert state.now()["sent"] == {}
    log.message("a", "update", later := encode_message(Message({"loss": 0.25}, numbers)))
    assert state.now()["sent"] == {"update": len(later)}


def test_rules_in_words() -> None:
    plain = dict(federation_rules(settings(compression="quantised", compression_bits=4, clip=2.0)))
    assert plain["numbers of an update"] == "in 4 bits a number"
    assert (plain["longest update"], plain["who sees an update"]) == ("2 (Euclidean norm)", "the server")
    masked = dict(federation_rules({**settings(clip=2.0), "privacy": {"secure": True}}))
    assert masked["who sees an update"].startswith("nobody")
    limits = {"secure": True, "rounds_a_day": 5}
    own = dict(site_rules(SiteConfig.model_validate({"runs": ["x"], "labels": "y", "limits": limits})))
    assert (own["only under masks (secure)"], own["trainings in 24 hours"]) == ("yes", "5")


def test_private_training_and_a_sites_own_limits_are_said() -> None:
    said = dict(federation_rules({"privacy": {"epsilon": 8.0, "delta": 1e-5}}))
    assert (
        said["noise added here"] == "so much that epsilon is at most 8 at delta 1e-05 for each run or crystal"
    )
    assert dict(federation_rules({}))["noise added here"] == "none"
    limits = Limits(epsilon=2.0, largest_fall=0.1)
    own = dict(site_rules(SiteConfig(runs=("x",), labels="y", limits=limits)))
    assert own["only with noise (epsilon)"].startswith("so much that epsilon is at most 2 ")
    assert own["refuses much worse models"] == "those that fall by more than 0.1"
