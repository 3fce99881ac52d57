"""Commands that an account may give the server, over FLARE's login; authorization.json defines who may give which."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from nvflare.fuel.hci.conn import Connection
from nvflare.fuel.hci.reg import CommandModule, CommandModuleSpec, CommandSpec
from nvflare.fuel.hci.server.authz import PreAuthzReturnCode
from nvflare.fuel.hci.server.constants import ConnProps

from fedbragg.errors import FedbraggError
from fedbragg.federation.engines.remote.protocol import check_protocol, versioned
from fedbragg.federation.engines.remote.service import FederationService

START, STOP, STATUS, MODEL = "federation_start", "federation_stop", "federation_status", "federation_model"
LEAD_RIGHTS, OBSERVER_RIGHTS = (START, STOP, STATUS, MODEL), (STATUS,)
"""The rights of a lead and of an observer; a right has the name of its command."""

Fields = dict[str, Any]
ServiceOf = Callable[[Connection], FederationService]
"""Returns the service of the server that a command came to."""


class FederationCommands(CommandModule):  # type: ignore[misc]
    """Four commands beside FLARE's own."""

    def __init__(self, service_of: ServiceOf) -> None:
        super().__init__()
        self._service_of = service_of

    def get_spec(self) -> CommandModuleSpec:
        """Return the commands; FLARE checks the right of the same name before it calls one."""
        return CommandModuleSpec(
            "fedbragg",
            [
                self._spec(START, lambda service, fields, _: service.start(**_start_arguments(fields))),
                self._spec(STOP, lambda service, _, account: service.stop(account)),
                self._spec(STATUS, lambda service, fields, _: service.status(int(fields["since"]))),
                self._spec(MODEL, lambda service, fields, _: _chunk(service, int(fields["offset"]))),
            ],
        )

    def _spec(self, name: str, act: Callable[[FederationService, Fields, str], Any]) -> CommandSpec:
        def handle(connection: Connection, _: list[str]) -> None:
            fields = connection.get_prop(ConnProps.CMD_PROPS) or {}
            account = connection.get_prop(ConnProps.USER_NAME)
            try:
                check_protocol(fields, "this account", "the server")
                answer = {"answer": act(self._service_of(connection), fields, account)}
            except (FedbraggError, KeyError, TypeError, ValueError) as error:
                answer = {"error": str(error)}
            connection.append_string(json.dumps(versioned(answer)))

        return CommandSpec(name, name, name, handle, authz_func=_require_right, visible=False)


def _start_arguments(fields: Fields) -> Fields:
    return {"settings": fields["settings"], "restart": bool(fields["restart"])}


def _chunk(service: FederationService, offset: int) -> Fields:
    chunk, length = service.model_chunk(offset)
    return {"chunk": base64.b85encode(chunk).decode(), "length": length}


def _require_right(connection: Connection, arguments: list[str]) -> PreAuthzReturnCode:
    return PreAuthzReturnCode.REQUIRE_AUTHZ
