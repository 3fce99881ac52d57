"""The page that asks for ticks, over HTTP."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fedbragg.errors import FedbraggError
from fedbragg.review.frames.picture_answer import picture_answer
from fedbragg.review.server_parts import FAULTS, body_of
from fedbragg.review.ticks.tick_session import TickSession
from fedbragg.tasks.checklist import Curve
from fedbragg.web.guard import Admission, Application, Guard
from fedbragg.web.page_files import page_routes

PAGE = "ticks.html"
LONGEST_BODY = 10_000


def tick_application(session: TickSession, admission: Admission) -> Application:
    """Return the server's application; only requests that ``admission`` allows reach it."""
    pages = TickPages(session)
    routes = [
        *page_routes("fedbragg.review", PAGE),
        Route("/state", pages.state),
        Route("/frames/{position:int}/picture", pages.picture),
        Route("/frames/{position:int}/judgement", pages.judgement),
        Route("/frames/{position:int}/label", pages.give, methods=["POST"]),
        Route("/undo", pages.undo, methods=["POST"]),
    ]
    return Guard(Starlette(routes=routes, exception_handlers=FAULTS), admission)


class TickPages:
    """The answers; all but those that read a body run in a pool of threads."""

    def __init__(self, session: TickSession) -> None:
        self._session = session

    def state(self, request: Request) -> Response:
        """Return the state of the answers."""
        return JSONResponse(self._session.state())

    def picture(self, request: Request) -> Response:
        """Return codes of an image, or a curve, or the reason why it cannot be read."""
        position = self._position(request)
        name, index = self._session.numbers.key(position)
        try:
            found = self._session.show(position)
        except FedbraggError as error:  # sent as a normal answer: the page shows it and stays usable
            about: dict[str, object] = {"unreadable": str(error), "name": name, "frame": index}
            return Response(headers={"x-picture": json.dumps(about)})
        if not isinstance(found, Curve):
            return picture_answer(request, found, name, index)
        lines = {phase: places.round(3).tolist() for phase, places in found.lines.items()}
        curve = {"x": found.x.round(4).tolist(), "y": found.y.tolist(), "lines": lines}
        about = {"name": name, "frame": index, "curve": found.x_name}
        return JSONResponse(curve, headers={"x-picture": json.dumps(about)})

    def judgement(self, request: Request) -> Response:
        """Return the model's probabilities of an example that this person has answered; of others they are secret."""
        position = self._position(request)
        if self._session.answer_of(position) is None:
            raise HTTPException(403, "The model's view is shown after your answer.")
        return JSONResponse({"probabilities": self._session.probabilities(position)})

    async def give(self, request: Request) -> Response:
        """Take an answer; it is on the disk when this answers."""
        position = self._position(request)
        try:
            ticks = (await body_of(request, LONGEST_BODY))["ticks"]
            if not isinstance(ticks, list) or not all(isinstance(name, str) for name in ticks):
                raise ValueError
        except (ValueError, TypeError, KeyError):
            raise HTTPException(400, "Give the names of the answers that hold.") from None
        return JSONResponse({"warning": await run_in_threadpool(self._session.give, position, ticks)})

    def undo(self, request: Request) -> Response:
        """Take back this person's latest answer."""
        return JSONResponse(self._session.take_back())

    def _position(self, request: Request) -> int:
        position: int = request.path_params["position"]
        if position >= len(self._session.numbers):
            raise HTTPException(404, f"There are {len(self._session.numbers)} examples, counted from 0.")
        return position
