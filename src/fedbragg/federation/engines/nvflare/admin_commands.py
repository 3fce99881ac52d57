"""What an account may tell the server, over FLARE's login; its rights stand in authorization.json."""

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
from fedbragg.federation.engines.remote.service import FederationService

START, STOP, STATUS, MODEL = "federation_start", "federation_stop", "federation_status", "federation_model"
LEADS, LOOKS = (START, STOP, STATUS, MODEL), (STATUS,)
"""The rights of a lead and of an observer; a right bears its command's name."""


class FederationCommands(CommandModule):  # type: ignore[misc]
    """Four commands beside FLARE's own."""

    def get_spec(self) -> CommandModuleSpec:
        """Return the commands; FLARE checks the right of the same name before it calls one."""
        return CommandModuleSpec(
            "fedbragg",
            [
                _spec(
                    START, lambda service, told, _: service.start(told["settings"], anew=bool(told["anew"]))
                ),
                _spec(STOP, lambda service, _, user: service.stop(user)),
                _spec(STATUS, lambda service, told, _: service.status(int(told["since"]))),
                _spec(MODEL, _piece),
            ],
        )


def _piece(service: FederationService, told: dict[str, Any], _: str) -> dict[str, Any]:
    piece, length = service.chunk(int(told["offset"]))
    return {"piece": base64.b85encode(piece).decode(), "length": length}


def _spec(name: str, act: Callable[[FederationService, dict[str, Any], str], Any]) -> CommandSpec:
    def handle(conn: Connection, args: list[str]) -> None:
        try:
            answer = act(
                _service(conn), conn.get_prop(ConnProps.CMD_PROPS) or {}, conn.get_prop(ConnProps.USER_NAME)
            )
        except (FedbraggError, KeyError, TypeError, ValueError) as error:
            conn.append_string(json.dumps({"error": str(error)}))
        else:
            conn.append_string(json.dumps({"answer": answer}))

    return CommandSpec(name, name, name, handle, authz_func=_needs_right, visible=False)


def _needs_right(conn: Connection, args: list[str]) -> PreAuthzReturnCode:
    return PreAuthzReturnCode.REQUIRE_AUTHZ


def _service(conn: Connection) -> FederationService:
    """Return the service of the server that a command came to."""
    from fedbragg.federation.engines.nvflare.server_component import FederationServer

    handlers = conn.app_ctx.run_manager.handlers
    service: FederationService = next(
        handler.service for handler in handlers if isinstance(handler, FederationServer)
    )
    return service
