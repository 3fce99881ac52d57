"""The state of a federation of real sites as a page: sites, versions, losses and weights, live."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fedbragg.errors import FederationError
from fedbragg.review.server_parts import FAULTS
from fedbragg.web.guard import Admission, Application, Guard
from fedbragg.web.page_files import page_routes

PAGE = "federation.html"
Ask = Callable[[int], Mapping[str, Any]]
"""Return the server's status with its history from a line on; raises FederationError."""


class FederationState:
    """The newest status, and each site's history; safe to call from several threads."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._history: list[Mapping[str, Any]] = []
        self._last: dict[str, Any] = {"state": "none", "sites": []}

    def now(self) -> dict[str, Any]:
        """Return the server's status; if it does not answer, the last one and the reason."""
        with self._lock:
            try:
                status = dict(self._ask(len(self._history)))
            except FederationError as error:
                return {**self._last, "unreachable": str(error)}
            if status.get("lines", len(self._history)) < len(
                self._history
            ):  # restarted from its last barrier
                self._history = []
                status = dict(self._ask(0))
            self._history += status.pop("history", [])
            self._last = {"sites": [], **status, **summary(self._history), "unreachable": ""}
            return self._last


def summary(history: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return each site's loss at each barrier, its weight in the last step, and the bytes of all updates."""
    losses: dict[str, list[tuple[int, float]]] = {}
    sent: dict[str, int] = {}
    weights: Mapping[str, float] = {}
    for event in history:
        weights = event.get("weights") or weights
        if event["event"] == "barrier":
            for site, loss in event["losses"].items():
                losses.setdefault(site, []).append((event["barrier"], loss))
        elif event["event"] == "update":
            sent[event["site"]] = sent.get(event["site"], 0) + event["bytes"]
    return {"losses": losses, "weights": dict(weights), "update_bytes": sent}


def federation_application(ask: Ask, admission: Admission) -> Application:
    """Return the page's application; only requests that ``admission`` allows reach it."""
    state = FederationState(ask)

    def answer(request: Request) -> Response:
        return JSONResponse(state.now())

    routes = [*page_routes("fedbragg.review", PAGE), Route("/state", answer)]
    return Guard(Starlette(routes=routes, exception_handlers=FAULTS), admission)
