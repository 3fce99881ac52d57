"""A site's own page: what will leave, what has left, and a button that leaves the federation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from fedbragg.review.server_parts import FAULTS
from fedbragg.review.site_state import SiteState
from fedbragg.web.guard import Admission, Application, Guard
from fedbragg.web.page_files import page_routes
from fedbragg.web.serving import Over

PAGE = "site.html"
SECONDS_BETWEEN = 0.25
"""Interval between reads of the site's files."""
SILENCE = 20
"""Reads without news after which the connection to the browser is checked."""


def site_application(
    state: SiteState, leave: Callable[[], None], admission: Admission, over: Over
) -> Application:
    """Return the page's application; only requests that ``admission`` allows reach it.

    ``leave`` asks the site's client to end in order, and returns at once.
    """

    async def events(request: Request) -> Response:
        return StreamingResponse(_changes(state, over), media_type="text/event-stream")

    def leave_federation(request: Request) -> Response:
        leave()
        return JSONResponse({"leaving": True})

    routes = [
        *page_routes("fedbragg.review", PAGE),
        Route("/events", events),
        Route("/leave", leave_federation, methods=["POST"]),
    ]
    return Guard(Starlette(routes=routes, exception_handlers=FAULTS), admission)


async def _changes(state: SiteState, over: Over) -> AsyncIterator[str]:
    """Yield the state when it changes, and each line of the record once."""
    last, line, quiet = "", 0, 0
    while not over():
        shown, rows = await run_in_threadpool(lambda: (state.now(), state.rows(line)))  # noqa: B023
        text = json.dumps(shown)
        if text != last or rows:
            yield f"data: {json.dumps({**shown, 'rows': rows})}\n\n"
            last, line, quiet = text, rows[-1]["line"] if rows else line, 0
        elif (quiet := quiet + 1) % SILENCE == 0:
            yield ": no news\n\n"
        await asyncio.sleep(SECONDS_BETWEEN)
