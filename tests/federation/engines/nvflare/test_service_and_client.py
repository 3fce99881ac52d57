"""Server's session and site's client without FLARE between them: limits, refusals, and what is said where."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deployment import wait_for
from house import OWN, SIMPLE, START, Direct, House, Slow, barriers, reasons, settings

from fedbragg.errors import FedbraggError, FederationError
from fedbragg.federation.engines.remote import protocol as messages
from fedbragg.federation.engines.remote.client import NoAnswerError, SiteClient
from fedbragg.federation.engines.remote.protocol import Message, decode_message, encode_message
from fedbragg.federation.engines.remote.service import FederationService


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("FEDBRAGG_TEST_FOLDER", str(tmp_path))
    opened = House(tmp_path)
    try:
        yield opened
    finally:
        opened.close()


def test_both_sites_train_and_get_the_model(house: House) -> None:
    house.join("site0")
    house.join("site1")
    house.service.start(settings(), anew=True)
    told = house.ended()
    assert told["ended"] == "all 2 barriers passed"
    assert barriers(told) == [{"site0", "site1"}] * 2
    model = decode_message(house.service.chunk(0)[0]).tensors
    assert all(np.isfinite(tensor).all() for tensor in model.values())
    for site in ("site0", "site1"):
        wait_for(lambda site=site: list((house.folder / site / "models").glob("*.onnx")), "the final model")


@pytest.mark.slow
def test_a_site_behind_a_slow_link_is_not_given_up_while_its_update_is_on_its_way(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "LARGE", 100)  # the test's model is small, only its link is slow
    slow = Slow(house.service, "site1")
    house.join("site0")
    house.join("site1", link=slow)
    asked = settings(deadline=30.0)
    asked["server"] |= {"site_timeout": Slow.SECONDS / 2, "message_timeout": 60.0}
    house.service.start(asked, anew=True)
    told = house.ended()
    assert barriers(told) == [{"site0", "site1"}] * 2
    assert not [line for line in told["history"] if line["event"] in ("failed", "left")]
    assert slow.large == ["model", "update"] * 2


def test_a_sites_limit_on_rounds_is_its_own_to_set(house: House) -> None:
    house.join("site0", "[limits]\nrounds_a_day = 1\n")
    house.join("site1")
    house.service.start(settings(), anew=True)
    told = house.ended()
    assert barriers(told) == [{"site0", "site1"}, {"site1"}]
    assert reasons(told) == ["site0: this site trains 1 times a day (its own limit)"]


def test_a_site_refuses_a_task_that_it_does_not_do(house: House) -> None:
    house.join("site0", '[limits]\ntasks = ["phases"]\n')
    house.join("site1")
    house.service.start(settings(), anew=True)
    told = house.ended()
    assert barriers(told) == [{"site1"}] * 2
    assert reasons(told)[0] == "site0: this site takes no part in the task 'hits' (its own limit)"


def test_what_is_wrong_with_a_sites_files_stays_there(house: House) -> None:
    worker = (sys.executable, "-m", "fedbragg.workflows.site_worker")
    house.join("site0", worker=worker)
    house.join("site1")
    house.service.start(settings(deadline=30.0), anew=True)
    told = house.ended()
    assert reasons(told)[0].startswith("site0: its frames or labels cannot be used (")
    assert "secret" not in json.dumps(told)
    assert "/secret/" in " ".join(house.said["site0"])


def test_a_federation_to_which_nobody_comes_ends_at_its_deadline(house: House) -> None:
    house.service.start(settings(deadline=0.3), anew=True)
    assert house.ended()["ended"] == "no site is left"


def test_a_site_that_is_not_invited_is_told_of_nothing(house: House) -> None:
    house.service.start(settings(), anew=True)
    wait_for(lambda: house.service.status()["state"] == "running", "the start")
    for topic in ("contact", "terms", "model", "final"):
        answer = decode_message(
            house.service.ask("stranger", topic, encode_message(Message({"life": "x", "request": "1"})))
        )
        assert (answer.fields, dict(answer.tensors)) == ({"federation": None}, {})


def request_of(house: House, site: str) -> dict[str, Any]:
    def asked() -> Any:
        payload = encode_message(Message({"life": f"life of {site}"}))
        return decode_message(house.service.ask(site, "contact", payload)).fields.get("request")

    return wait_for(asked, "an request")


def test_an_update_in_anothers_name_is_the_senders_failure(house: House) -> None:
    house.service.start(settings(), anew=True)
    request = request_of(house, "site0")
    told = {"request": request["name"], "version": request["version"], "samples": 9, "loss": 0.5}
    forged = Message({**told, "site": "site1", "label_counts": [[9]], "packed": {}}, {"bias": np.zeros(3)})
    house.service.ask("site0", "update", encode_message(forged))
    told = house.ended()
    assert reasons(told)[0] == "site0: its update is signed 'site1', version 0"
    assert not any(line["event"] == "update" for line in told["history"])


@pytest.mark.parametrize("payload", [b"", b"noise", encode_message(Message({}))])
def test_nonsense_is_answered_and_harms_nobody(house: House, payload: bytes) -> None:
    house.service.start(settings(), anew=True)
    request_of(house, "site0")
    for topic in ("contact", "model", "update", "failed", "leave", "no such thing"):
        answer = decode_message(house.service.ask("site0", topic, payload))
        assert "error" in answer.fields
    assert house.service.status()["state"] == "running"


def test_another_federation_has_to_wait(house: House) -> None:
    house.service.start(settings(), anew=True)
    with pytest.raises(FederationError, match="this federation is running already"):
        house.service.start(settings(), anew=True)
    with pytest.raises(FederationError, match="another federation is running already"):
        house.service.start(settings(barriers=3), anew=True)
    name = house.service.status()["federation"]
    assert house.service.start(settings(), anew=False) == {"federation": name}


def test_a_stopped_federation_is_over_also_for_the_next_server(house: House) -> None:
    house.join("site0")
    house.join("site1")
    house.service.start(settings(barriers=10_000), anew=True)
    wait_for(lambda: house.service.status().get("barrier", 0) >= 2, "two barriers")
    house.service.stop("me")
    assert house.ended()["ended"] == "stopped by me"
    again = house.opened()
    again.resume()
    told = wait_for(lambda: (told := again.status())["state"] == "finished" and told, "the same end")
    assert told["ended"] == "stopped by me"
    model, same = (decode_message(service.chunk(0)[0]).tensors for service in (house.service, again))
    assert all(np.array_equal(same[name], tensor) for name, tensor in model.items())


@pytest.mark.parametrize("rules", [{"local_batchnorm": True}, {"aggregation": "fedboost"}])
def test_what_does_not_go_over_flare_is_refused_at_the_start(house: House, rules: dict[str, Any]) -> None:
    with pytest.raises(FedbraggError):
        house.service.start(settings(**rules), anew=True)


def test_paths_are_refused_by_the_server(house: House) -> None:
    told = settings()
    told["sites"][0] |= {"runs": ["/data"], "labels": "/labels.csv"}
    with pytest.raises(FederationError, match="own file and nowhere else"):
        house.service.start(told, anew=True)


def test_a_site_without_a_way_to_the_server_goes_on_trying(house: House) -> None:
    class Cut:
        asked = 0

        def ask(self, topic: str, payload: bytes, patience: float) -> memoryview:
            self.asked += 1
            raise NoAnswerError("cut")

    (house.folder / "own.toml").write_text(OWN)
    said: list[str] = []
    client, link = SiteClient("site0", house.folder / "own.toml", house.folder, said.append, SIMPLE), Cut()
    thread = threading.Thread(target=client.run, args=(link,))
    thread.start()
    for count in (1, 2, 3):
        wait_for(lambda count=count: link.asked >= count, "a try")
        client.wake()
    client.leave()
    thread.join(10)
    assert not thread.is_alive()
    assert said == ["no answer from the server (cut); trying again until there is one"]


@pytest.mark.parametrize("answer", [{"federation": None}, {"error": "update cannot be understood"}])
def test_a_site_whose_update_nobody_takes_calls_again(house: House, answer: dict[str, Any]) -> None:
    """As while a server that was started again has not read its last barrier yet."""
    asked: list[str] = []

    class Forgetful(Direct):
        def ask(self, topic: str, payload: bytes, patience: float) -> memoryview:
            asked.append(topic)
            if topic == "update":
                return memoryview(encode_message(Message(answer)))
            return super().ask(topic, payload, patience)

    house.service.start(settings(), anew=True)
    (house.folder / "own.toml").write_text(OWN)
    client = SiteClient("site0", house.folder / "own.toml", house.folder, lambda _: None, SIMPLE)
    thread = threading.Thread(target=client.run, args=(Forgetful(house.service, "site0"),))
    thread.start()
    try:
        wait_for(
            lambda: "contact" in asked[asked.index("update") :] if "update" in asked else False, "a call"
        )
    finally:
        client.leave()
        thread.join(10)


def test_a_federation_started_at_the_end_of_another_outlives_a_restart(tmp_path: Path) -> None:
    started: list[str] = []

    def notify(_: str) -> None:  # called while the first one ends
        if not started:
            started.append(service.start(settings(barriers=3), anew=True)["federation"])

    service = FederationService(tmp_path / "service", notify, START)
    service.start(settings(), anew=True)
    wait_for(lambda: service.status()["state"] == "running", "the start")
    service.stop("me")
    wait_for(lambda: started and service.status()["state"] == "running", "the second start")
    assert json.loads((tmp_path / "service" / "federation.json").read_text())["name"] == started[0]
    service.stop("me")
    wait_for(lambda: service.status()["state"] == "finished", "the end")
