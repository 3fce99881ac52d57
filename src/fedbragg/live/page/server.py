"""The live page over HTTP: its files, the state as server-sent events, pictures, the map, and metrics."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from fedbragg.live.page.metrics import CONTENT_TYPE, metrics
from fedbragg.live.page.state import LiveState
from fedbragg.web.guard import Admission, Application, Guard
from fedbragg.web.page_files import page_routes

SECONDS_BETWEEN = 0.5
"""Interval at which the page gets the state."""
METRICS = "/metrics"
"""The one path without a token: it holds counts only, and Prometheus does not know the token."""


def application(state: LiveState, admission: Admission, over: Callable[[], bool]) -> Application:
    """Return the server's application; only requests that ``admission`` allows reach it.

    Connections end when the watch is ``over``, after the last state.
    """

    async def events(request: Request) -> Response:
        return StreamingResponse(_states(state, over), media_type="text/event-stream")

    def picture(request: Request) -> Response:
        found = state.hits.picture(request.path_params["number"])
        return Response(status_code=404) if found is None else Response(found, media_type="image/png")

    def scan_map(request: Request) -> Response:
        return Response(state.map_codes(), media_type="application/octet-stream")

    def figures(request: Request) -> Response:
        return Response(metrics(state), headers={"content-type": CONTENT_TYPE})

    routes = [
        *page_routes("fedbragg.live.page"),
        Route("/events", events),
        Route("/hits/{number:int}.png", picture),
        Route("/map", scan_map),
        Route(METRICS, figures),
    ]
    return Guard(Starlette(routes=routes), admission)


async def _states(state: LiveState, over: Callable[[], bool]) -> AsyncIterator[str]:
    ended = False
    while not ended:
        ended = over()
        yield f"data: {json.dumps({**state.snapshot(), 'ended': ended})}\n\n"
        await asyncio.sleep(0 if ended else SECONDS_BETWEEN)
