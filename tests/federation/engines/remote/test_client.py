"""Federations of a service and its sites' clients, connected directly: training, limits, refusals, broken links."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from in_process import InProcessFederation, barriers, failures, settings
from softmax import skewed_problem
from waiting import wait_for

from fedbragg.federation.engines.remote import protocol
from fedbragg.federation.engines.remote.protocol import PROTOCOL, Message, decode_message, encode_message
from fedbragg.testing import DirectLink


def test_two_sites_train_and_each_gets_the_model(federation: InProcessFederation) -> None:
    federation.join("site0")
    federation.join("site1")
    federation.start()
    status = federation.ended()
    assert status["ended"] == "all 2 barriers passed"
    assert barriers(status) == [{"site0", "site1"}] * 2
    model = decode_message(federation.service.model_chunk(0)[0]).tensors
    assert all(np.isfinite(tensor).all() for tensor in model.values())
    for site in ("site0", "site1"):
        models = federation.folder / site / "models"
        wait_for(lambda models=models: list(models.glob("*.onnx")), "the final model")


class SlowLink(DirectLink):
    """A link on which a model or an update takes so long that no poll gets past it."""

    SECONDS = 4.0

    def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
        if topic == "update":
            time.sleep(self.SECONDS)
        answer = super().ask(topic, payload, timeout)
        if topic == "model":
            time.sleep(self.SECONDS)
        return answer


@pytest.mark.slow
def test_a_site_behind_a_slow_link_stays_in_while_its_update_is_on_its_way(
    federation: InProcessFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "LARGE", 100)  # the test's model is small, only its link is slow
    link = SlowLink(federation.service, "site1")
    federation.join("site0")
    federation.join("site1", link=link)
    table = settings()
    table["server"] |= {"site_timeout": SlowLink.SECONDS / 2, "message_timeout": 60.0}
    federation.start(table)
    status = federation.ended()
    assert barriers(status) == [{"site0", "site1"}] * 2
    assert not [line for line in status["history"] if line["event"] in ("failed", "left")]
    assert [topic for topic in link.topics if topic in ("model", "update")] == ["model", "update"] * 2


def test_a_site_limits_how_often_it_trains(federation: InProcessFederation) -> None:
    federation.join("site0", "[limits]\nrounds_a_day = 1\n")
    federation.join("site1")
    federation.start()
    status = federation.ended()
    assert barriers(status) == [{"site0", "site1"}, {"site1"}]
    assert failures(status) == ["site0: this site trains 1 times a day (its own limit)"]


def test_a_site_refuses_a_task_that_its_limits_leave_out(federation: InProcessFederation) -> None:
    federation.join("site0", '[limits]\ntasks = ["phases"]\n')
    federation.join("site1")
    federation.start()
    status = federation.ended()
    assert barriers(status) == [{"site1"}] * 2
    assert failures(status)[0] == "site0: this site takes no part in the task 'hits' (its own limit)"


def test_an_error_in_a_sites_files_is_explained_at_the_site_only(federation: InProcessFederation) -> None:
    worker_command = (sys.executable, "-m", "fedbragg.workflows.site_worker")
    federation.join("site0", worker_command=worker_command)
    federation.join("site1")
    federation.start(deadline=100.0)  # a worker with torch may take long to start
    status = federation.ended()
    assert failures(status)[0].startswith("site0: its frames or labels cannot be used (")
    assert "secret" not in json.dumps(status)
    assert "/secret/" in " ".join(federation.said["site0"])


def test_a_worker_that_dies_while_it_reads_is_a_failure_of_its_site(federation: InProcessFederation) -> None:
    federation.join("site0", worker_command=(sys.executable, "-c", "raise SystemExit(1)"))
    federation.join("site1")
    federation.start()
    status = federation.ended()
    assert failures(status)[0] == "site0: the worker process ended before it had read the data"


def test_a_model_that_arrives_damaged_is_reported_and_not_asked_for_again_and_again(
    federation: InProcessFederation,
) -> None:
    class DamagesModels(DirectLink):
        def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
            answer = super().ask(topic, payload, timeout)
            return answer[: len(answer) - 8] if topic == "model" else answer

    federation.join("site0", link=DamagesModels(federation.service, "site0"))
    federation.join("site1")
    federation.start()
    status = federation.ended()
    assert failures(status)[0].startswith("site0: training failed (FederationError")
    assert barriers(status) == [{"site1"}] * 2


class AnnouncesAnotherModel(DirectLink):
    """A link to a server that announces shapes other than those of the model that it sends."""

    inside = False  # whether the service works at the moment

    def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
        self.inside = True
        answer = super().ask(topic, payload, timeout)
        self.inside = False
        if topic != "settings":
            return answer
        fields = {**decode_message(answer).fields, "model": {"other": ["float64", [9, 9]]}}
        return memoryview(encode_message(Message(fields)))


def test_a_site_s_people_see_the_model_that_came_and_its_client_decodes_no_copy_of_it(
    federation: InProcessFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, load = AnnouncesAnotherModel(federation.service, "site0"), safetensors.numpy.load
    decoded: list[bytes] = []
    monkeypatch.setattr(
        safetensors.numpy, "load", lambda data: load(data if link.inside else decoded.append(data) or data)
    )
    federation.join("site0", link=link)
    table = settings(barriers=1)
    federation.start({**table, "sites": [{"name": "site0"}]})
    federation.ended()
    shown = json.loads((federation.folder / "site0" / "state.json").read_text())["model"]
    wanted = skewed_problem().initial
    assert shown == {name: [str(tensor.dtype), list(tensor.shape)] for name, tensor in wanted.items()}
    assert decoded == []


def test_a_training_that_hangs_is_stopped_and_reported(federation: InProcessFederation) -> None:
    (federation.folder / "site0.hang").touch()
    federation.join("site0")
    federation.join("site1")
    federation.start(patience=3)
    status = federation.ended()
    assert failures(status) == ["site0: no update within 3 s; the trainer was stopped"]
    assert barriers(status)[-1] == {"site0", "site1"}


def test_a_client_that_is_started_again_after_the_end_keeps_its_model(
    federation: InProcessFederation,
) -> None:
    federation.join("site0")
    federation.join("site1")
    federation.start(barriers=1)
    federation.ended()
    models = federation.folder / "site0" / "models"
    (model,) = wait_for(lambda: list(models.glob("*.onnx")), "the final model")
    written = model.stat().st_mtime_ns
    federation.leave("site0")
    link = DirectLink(federation.service, "site0")
    federation.join("site0", link=link)
    wait_for(lambda: link.topics.count("poll") >= 3, "three polls")
    assert "final" not in link.topics
    assert model.stat().st_mtime_ns == written


def test_a_client_goes_on_trying_while_its_link_is_cut(federation: InProcessFederation) -> None:
    link = DirectLink(federation.service, "site0")
    link.is_cut = True
    client = federation.join("site0", link=link)
    for count in (1, 2, 3):
        wait_for(lambda count=count: len(link.topics) >= count, "a try")
        client.wake()
    said = federation.said["site0"]
    assert said == ["no answer from the server (poll: the link is cut); trying again until there is one"]
    link.is_cut = False
    client.wake()
    wait_for(lambda: said[-1].startswith("the server answers again, after "), "the answer")


@pytest.mark.parametrize("answer", [{"federation": None}, {"error": "update cannot be understood"}])
def test_a_client_whose_update_is_not_taken_polls_again(
    federation: InProcessFederation, answer: dict[str, Any]
) -> None:
    """A server that was started again answers so until it has read its last barrier."""

    class ForgetfulLink(DirectLink):
        def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
            answered = super().ask(topic, payload, timeout) if topic != "update" else b""
            if topic == "update":
                self.topics.append(topic)
                return memoryview(encode_message(Message(answer)))
            return memoryview(answered)

    federation.start()
    link = ForgetfulLink(federation.service, "site0")
    federation.join("site0", link=link)
    wait_for(
        lambda: "update" in link.topics and "poll" in link.topics[link.topics.index("update") :], "a poll"
    )


def test_a_report_is_sent_until_the_server_answers(federation: InProcessFederation) -> None:
    class LosesReports(DirectLink):
        def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
            self.is_cut = topic == "update" and self.topics.count("update") < 3
            return super().ask(topic, payload, timeout)

    link = LosesReports(federation.service, "site0")
    federation.join("site0", link=link)
    federation.join("site1")
    federation.start(barriers=1)
    status = federation.ended()
    assert barriers(status) == [{"site0", "site1"}]
    assert link.topics.count("update") == 4  # three lost, one answered


def test_a_client_says_once_that_the_server_runs_another_protocol_version(
    federation: InProcessFederation,
) -> None:
    class OtherVersion(DirectLink):
        def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
            answer = bytes(super().ask(topic, payload, timeout))
            other = b'"protocol": %d' % (PROTOCOL + 7)
            return memoryview(answer.replace(b'"protocol": %d' % PROTOCOL, other))

    federation.start()
    link = OtherVersion(federation.service, "site0")
    client = federation.join("site0", link=link)
    for count in (1, 2, 3):
        wait_for(lambda count=count: len(link.topics) >= count, "a poll")
        client.wake()
    assert federation.said["site0"] == [
        f"the server uses protocol version {PROTOCOL + 7}, this site version {PROTOCOL}; "
        "install the same version of fedbragg on all machines of the federation"
    ]
