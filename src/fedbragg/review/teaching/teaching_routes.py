"""Teaching and the promise over HTTP."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fedbragg.review.teaching.session import Teaching


def teaching_routes(teaching: Teaching) -> list[Route]:
    """Return the addresses; the answer to each change is the state after it."""

    def state(request: Request) -> Response:
        return JSONResponse(teaching.state())

    def start(request: Request) -> Response:
        teaching.start()
        return state(request)

    def stop(request: Request) -> Response:
        teaching.stop()
        return state(request)

    def accept(request: Request) -> Response:
        path = teaching.accept()
        return JSONResponse(teaching.state() | {"written": str(path)})

    def random_table(request: Request) -> Response:
        return JSONResponse({"command": teaching.write_random_table()})

    changes = {"start": start, "stop": stop, "accept": accept, "random-table": random_table}
    return [
        Route("/teaching", state),
        *(Route(f"/teaching/{name}", change, methods=["POST"]) for name, change in changes.items()),
    ]
