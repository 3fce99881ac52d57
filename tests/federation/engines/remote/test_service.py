"""The service answers sites and accounts, holds one federation at a time, and goes on after a restart."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import InProcessFederation, failures, settings, start_model_command
from waiting import wait_for

from fedbragg.errors import FedbraggError, FederationError
from fedbragg.federation.engines.remote import hosted, protocol
from fedbragg.federation.engines.remote.protocol import (
    LARGEST_HEAD,
    PROTOCOL,
    Message,
    decode_message,
    encode_message,
)
from fedbragg.federation.engines.remote.service import FederationService

SLEEPING = (sys.executable, "-c", "import time; time.sleep(100)")
"""A program that takes too long to make a start model."""


def test_a_federation_that_no_site_joins_ends_at_its_deadline(federation: InProcessFederation) -> None:
    federation.start(deadline=0.3)
    assert federation.ended()["ended"] == "no site is left"


def test_a_site_that_is_not_in_the_settings_learns_nothing(federation: InProcessFederation) -> None:
    federation.start()
    for topic in ("poll", "settings", "model", "final"):
        answer = federation.ask("stranger", topic, client="x", request="1")
        assert (answer.fields, dict(answer.tensors)) == ({"federation": None}, {})


def test_a_site_learns_nothing_of_the_other_sites_and_the_server(federation: InProcessFederation) -> None:
    federation.start()
    answer = federation.ask("site0", "settings").fields
    assert answer["timeouts"] == {"heartbeat": 0.1, "message": 120.0, "training": 3.0}
    assert answer["settings"].keys() == {"task", "seed", "training", "federation"}


def test_an_update_signed_by_another_site_is_the_senders_failure(federation: InProcessFederation) -> None:
    federation.start(deadline=1.0)
    request = federation.request_of("site0")
    fields = {"request": request["name"], "version": request["version"], "samples": 9, "loss": 0.5}
    forged = {**fields, "site": "site1", "label_counts": [[9]], "quantised": {}}
    federation.service.ask("site0", "update", encode_message(Message(forged, {"bias": np.zeros(3)})))
    status = federation.ended()
    assert failures(status)[0] == "site0: its update is signed 'site1', version 0"
    assert not any(line["event"] == "update" for line in status["history"])


TOPICS = ("poll", "model", "update", "failure", "leave", "no such topic")


@pytest.mark.parametrize(
    "payload",
    [b"", b"noise", encode_message(Message({})), b"\x10\0\0\0" + b"[" * 16, b"\0\0\1\0" + b"[" * 65536],
    ids=["empty", "noise", "no fields", "unfinished", "deeply nested"],
)
def test_a_damaged_message_is_answered_with_an_error_and_changes_nothing(
    federation: InProcessFederation, payload: bytes
) -> None:
    federation.start()
    federation.request_of("site0")
    for topic in TOPICS:
        assert "error" in decode_message(federation.service.ask("site0", topic, payload)).fields
    assert federation.service.status()["state"] == "running"


def test_a_message_of_another_protocol_version_is_refused_and_shown_to_the_coordinator(
    federation: InProcessFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    federation.start()
    with monkeypatch.context() as other_version:
        other_version.setattr(protocol, "PROTOCOL", PROTOCOL + 1)
        newer = encode_message(Message({"client": "x"}))
    refusal = decode_message(federation.service.ask("site0", "poll", newer)).fields["error"]
    assert refusal == (
        f"the site uses protocol version {PROTOCOL + 1}, the server version {PROTOCOL}; "
        "install the same version of fedbragg on all machines of the federation"
    )
    rows = federation.service.status()["sites"]
    assert [row["problem"] for row in rows] == [refusal, ""]


def test_a_message_longer_than_any_update_is_refused_unread(federation: InProcessFederation) -> None:
    federation.start()
    for topic, length in (("poll", LARGEST_HEAD + 1), ("update", 3 * LARGEST_HEAD)):
        answer = decode_message(federation.service.ask("site0", topic, bytes(length)))
        assert f"a message of {length} bytes is refused" in answer.fields["error"]


def test_another_federation_has_to_wait(federation: InProcessFederation) -> None:
    service = federation.service
    service.start(settings(), restart=True)
    with pytest.raises(FederationError, match="this federation is running already"):
        service.start(settings(), restart=True)
    with pytest.raises(FederationError, match="another federation is running already"):
        service.start(settings(barriers=3), restart=True)
    name = service.status()["federation"]
    assert service.start(settings(), restart=False) == {"federation": name}


def test_a_stopped_federation_has_ended_for_the_next_server_too(federation: InProcessFederation) -> None:
    federation.join("site0")
    federation.join("site1")
    federation.start(barriers=10_000)
    wait_for(lambda: federation.service.status().get("barrier", 0) >= 2, "two barriers")
    federation.service.stop("me")
    assert federation.ended()["ended"] == "stopped by me"
    again = federation.open_service()
    again.resume()
    status = wait_for(lambda: (s := again.status())["state"] == "finished" and s, "the same end")
    assert status["ended"] == "stopped by me"
    model, same = (decode_message(s.model_chunk(0)[0]).tensors for s in (federation.service, again))
    assert all(np.array_equal(same[name], tensor) for name, tensor in model.items())


@pytest.mark.parametrize("rules", [{"local_batchnorm": True}, {"aggregation": "fedboost"}])
def test_rules_that_real_sites_cannot_run_are_refused_at_the_start(
    federation: InProcessFederation, rules: dict[str, Any]
) -> None:
    with pytest.raises(FedbraggError):
        federation.start(**rules)


def test_settings_with_a_sites_paths_are_refused(federation: InProcessFederation) -> None:
    table = settings()
    table["sites"][0] |= {"runs": ["/data"], "labels": "/labels.csv"}
    with pytest.raises(FederationError, match="are in its own file"):
        federation.service.start(table, restart=True)


def test_without_a_federation_there_is_no_model(federation: InProcessFederation) -> None:
    assert federation.service.status() == {"federation": "", "state": "none", "problem": None}
    with pytest.raises(FederationError, match="no model yet"):
        federation.service.model_chunk(0)


# Two federations in a row, and stops at any moment


@pytest.fixture
def open_service(tmp_path: Path) -> Callable[..., FederationService]:
    def opened(
        notify: Callable[[str], None] = lambda _: None, command: tuple[str, ...] = ()
    ) -> FederationService:
        return FederationService(tmp_path / "service", notify, command or start_model_command(tmp_path))

    return opened


def test_a_federation_started_while_another_ends_survives_a_restart(open_service, tmp_path: Path) -> None:
    started: list[str] = []

    def notify(_: str) -> None:  # called while the first one ends
        if not started:
            started.append(service.start(settings(barriers=3), restart=True)["federation"])

    service = open_service(notify)
    service.start(settings(), restart=True)
    wait_for(lambda: service.status()["state"] == "running", "the start")
    service.stop("me")
    wait_for(lambda: started and service.status()["state"] == "running", "the second start")
    assert json.loads((tmp_path / "service" / "federation.json").read_text())["name"] == started[0]
    service.stop("me")
    wait_for(lambda: service.status()["state"] == "finished", "the end")


def test_an_error_at_the_end_of_a_federation_does_not_fail_the_next(open_service) -> None:
    started, failed = [], threading.Event()

    def notify(_: str) -> None:  # called by the first federation's thread while it ends
        if not started:
            started.append(service.start(settings(barriers=3), restart=True)["federation"])
            wait_for(lambda: service.status()["state"] == "running", "the second start")
            failed.set()
            raise RuntimeError("an error of the first federation")

    service = open_service(notify)
    service.start(settings(), restart=True)
    wait_for(lambda: service.status()["state"] == "running", "the start")
    service.stop("me")
    failed.wait(20)
    for thread in [thread for thread in threading.enumerate() if thread.name == "driver"]:
        thread.join(0.5)  # the first one ends, the second one does not
    status = service.status()
    assert (status["federation"], status["state"], status["problem"]) == (started[0], "running", None)
    service.stop("me")


def test_a_stop_while_the_start_models_program_starts_is_not_lost(
    open_service, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting, go_on = threading.Event(), threading.Event()
    popen = subprocess.Popen

    def slow_popen(*arguments: Any, **more: Any) -> subprocess.Popen[bytes]:
        starting.set()
        go_on.wait(10)
        return popen(*arguments, **more)

    monkeypatch.setattr(hosted.subprocess, "Popen", slow_popen)
    service = open_service(command=SLEEPING)
    service.start(settings(), restart=True)
    assert starting.wait(10)
    stop = threading.Thread(target=service.stop, args=("me",))
    stop.start()
    stop.join(0.2)
    go_on.set()
    status = wait_for(lambda: (s := service.status())["state"] == "failed" and s, "the stop", 10)
    assert status["problem"] == "stopped by me before it had begun"


def test_a_federation_stopped_before_it_began_is_not_resumed(open_service, tmp_path: Path) -> None:
    service = open_service(command=SLEEPING)
    service.start(settings(), restart=True)
    service.stop("me")
    wait_for(lambda: not (tmp_path / "service" / "federation.json").exists(), "the end")
    again = open_service()
    again.resume()
    assert again.status()["state"] == "none"


def test_a_federation_stopped_before_it_began_can_be_started_again(open_service, tmp_path: Path) -> None:
    slow_once = (
        "sh",
        "-c",
        f'test -e {tmp_path}/fast || exec sleep 100; test -e "$0" && cp {tmp_path}/softmax.safetensors "$1"',
    )
    start_model_command(tmp_path)
    service = open_service(command=slow_once)
    service.start(settings(), restart=True)
    service.stop("me")
    wait_for(lambda: not (tmp_path / "service" / "federation.json").exists(), "the end")
    (tmp_path / "fast").touch()
    service.start(settings(), restart=False)
    wait_for(lambda: service.status()["state"] == "running", "the second start")
    service.stop("me")


def test_a_start_model_that_takes_too_long_or_fails_ends_the_federation(open_service) -> None:
    table = settings()
    table["server"]["preparation"] = 0.2
    late = open_service(command=SLEEPING)
    late.start(table, restart=True)
    status = wait_for(lambda: (s := late.status())["state"] == "failed" and s, "the failure")
    assert status["problem"] == "the start model was not ready within 0.2 s"
    broken = open_service(command=(sys.executable, "-c", "raise SystemExit(3)"))
    broken.start(settings(), restart=True)
    status = wait_for(lambda: (s := broken.status())["state"] == "failed" and s, "the failure")
    assert status["problem"] == "the start model could not be made (exit code 3); see the server's log"


def test_a_failed_federation_is_tried_again_when_it_is_started_again(open_service, tmp_path: Path) -> None:
    fails_once = ("sh", "-c", f'test -e {tmp_path}/fixed && cp {tmp_path}/softmax.safetensors "$1"')
    start_model_command(tmp_path)
    service = open_service(command=fails_once)
    name = service.start(settings(), restart=True)["federation"]
    wait_for(lambda: service.status()["state"] == "failed", "the failure")
    (tmp_path / "fixed").touch()
    assert service.start(settings(), restart=False) == {"federation": name}
    wait_for(lambda: service.status()["state"] == "running", "the second try")
    service.stop("me")
