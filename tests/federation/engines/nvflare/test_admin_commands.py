"""An account's commands at the server, without FLARE's network: who may give them, and what they answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from nvflare.fuel.hci.server.authz import PreAuthzReturnCode
from nvflare.fuel.hci.server.constants import ConnProps

from fedbragg.errors import FederationError
from fedbragg.federation.engines.nvflare.admin_commands import MODEL, START, STATUS, STOP, FederationCommands
from fedbragg.federation.engines.nvflare.authorization import server_rights
from fedbragg.federation.engines.remote.protocol import PROTOCOL


class Connection:
    """What FLARE hands to a command, as far as ours use it."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._props = {ConnProps.CMD_PROPS: fields, ConnProps.USER_NAME: "coordinator@fedbragg.local"}
        self.reply: dict[str, Any] = {}

    def get_prop(self, name: str) -> Any:
        return self._props[name]

    def append_string(self, text: str) -> None:
        self.reply = json.loads(text)


class Service:
    """A service that records its calls."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def start(self, settings: dict[str, Any], *, restart: bool) -> dict[str, Any]:
        self.calls.append(("start", settings, restart))
        return {"federation": "f"}

    def stop(self, account: str) -> None:
        self.calls.append(("stop", account))

    def status(self, since: int) -> dict[str, Any]:
        raise FederationError("no federation")

    def model_chunk(self, offset: int) -> tuple[bytes, int]:
        return b"\xff\x00", 7


@pytest.fixture
def service() -> Service:
    return Service()


def reply_to(service: Service, command: str, **fields: Any) -> dict[str, Any]:
    specs = {spec.name: spec for spec in FederationCommands(lambda _: service).get_spec().cmd_specs}
    connection = Connection({"protocol": PROTOCOL, **fields})
    specs[command].handler_func(connection, [])
    return connection.reply


def test_a_command_is_carried_out_for_the_account_that_is_logged_in(service: Service) -> None:
    assert reply_to(service, START, settings={"seed": 1}, restart=False)["answer"] == {"federation": "f"}
    assert reply_to(service, STOP) == {"protocol": PROTOCOL, "answer": None}
    assert service.calls == [("start", {"seed": 1}, False), ("stop", "coordinator@fedbragg.local")]


def test_bytes_of_a_model_are_sent_as_text(service: Service) -> None:
    assert reply_to(service, MODEL, offset=0)["answer"] == {"chunk": "{{R", "length": 7}


@pytest.mark.parametrize(
    ("command", "fields", "error"),
    [
        (STATUS, {"since": 0}, "no federation"),
        (STATUS, {"since": "many"}, "invalid literal"),
        (START, {"settings": {}}, "restart"),
        (STOP, {"protocol": 1}, "this account uses protocol version 1, the server version 2"),
        (STOP, {"protocol": None}, "this account uses protocol version None, the server version 2"),
    ],
)
def test_errors_are_replies(service: Service, command: str, fields: dict[str, Any], error: str) -> None:
    reply = reply_to(service, command, **fields)
    assert error in reply["error"]
    assert reply["protocol"] == PROTOCOL
    assert service.calls == []


def test_every_command_needs_a_right_that_the_server_grants_by_role() -> None:
    specs = FederationCommands(lambda _: None).get_spec().cmd_specs
    assert {spec.authz_func(None, []) for spec in specs} == {PreAuthzReturnCode.REQUIRE_AUTHZ}
    rights = server_rights()["permissions"]
    assert set(rights["lead"]) == {spec.name for spec in specs}
    assert set(rights["member"]) == {STATUS}
