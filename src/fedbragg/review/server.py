"""The page over HTTP: its files, pictures of frames by number, labels in."""

from __future__ import annotations

import json
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fedbragg.errors import FrameError
from fedbragg.review.frames.geometry_answer import geometry_answer
from fedbragg.review.frames.picture import exact_counts
from fedbragg.review.frames.picture_answer import BYTES, number_in, picture_answer, together_in
from fedbragg.review.frames.reduction import Region
from fedbragg.review.labelling_session import LabellingSession
from fedbragg.review.labels.orders import Order
from fedbragg.review.server_parts import FAULTS, body_of
from fedbragg.review.teaching.session import Teaching
from fedbragg.review.teaching.teaching_routes import teaching_routes
from fedbragg.types import Geometry, Label
from fedbragg.web.guard import Admission, Application, Guard
from fedbragg.web.page_files import page_routes

LONGEST_BODY = 1000
"""Most bytes of a request's body."""
CLOSE_UP = 192
"""Pixels along the edge of a part whose exact counts are given."""


def application(
    session: LabellingSession, teaching: Teaching, geometry: Geometry, admission: Admission
) -> Application:
    """Return the server's application; only requests that ``admission`` allows reach it."""
    pages = Pages(session, geometry)
    routes = [
        *page_routes("fedbragg.review"),
        Route("/state", pages.state),
        Route("/labels", pages.labels),
        Route("/levels", pages.levels),
        Route("/order/{order}", pages.order),
        Route("/frames/{position:int}/picture", pages.picture),
        Route("/frames/{position:int}/counts", pages.counts),
        Route("/frames/{position:int}/geometry", pages.geometry),
        Route("/frames/{position:int}/judgement", pages.judgement),
        Route("/frames/{position:int}/label", pages.give, methods=["POST"]),
        Route("/undo", pages.undo, methods=["POST"]),
        *teaching_routes(teaching),
    ]
    return Guard(Starlette(routes=routes, exception_handlers=FAULTS), admission)


class Pages:
    """The answers; all but those that read a body run in a pool of threads."""

    def __init__(self, session: LabellingSession, geometry: Geometry) -> None:
        self._session, self._geometry = session, geometry

    def state(self, request: Request) -> Response:
        """Return the state of the labels."""
        return JSONResponse(self._session.state())

    def labels(self, request: Request) -> Response:
        """Return this person's labels, a byte a frame."""
        return Response(self._session.labels(), media_type=BYTES)

    def levels(self, request: Request) -> Response:
        """Return each frame's background as a 32-bit float."""
        return Response(self._session.levels(), media_type=BYTES)

    def order(self, request: Request) -> Response:
        """Return positions of frames as unsigned 32-bit integers."""
        try:
            order = Order(request.path_params["order"])
        except ValueError:
            raise HTTPException(404, f"Known orders: {', '.join(Order)}.") from None
        return Response(self._session.order(order).astype("<u4").tobytes(), media_type=BYTES)

    def picture(self, request: Request) -> Response:
        """Return codes of a frame or a region of it; afterwards judge the frame, so that a label need not wait."""
        position = self._position(request)
        try:
            found = self._session.cache.frame(position, together_in(request))
        except FrameError as error:  # sent as a normal answer: the page shows it and stays usable
            return Response(headers={"x-picture": json.dumps({"unreadable": str(error)})})
        answer = picture_answer(request, found, *self._session.numbers.key(position))
        answer.background = BackgroundTask(self._judge_ahead, position)
        return answer

    def _judge_ahead(self, position: int) -> None:
        try:
            self._session.cache.judgement(position)
        except FrameError:  # reported when the frame is labelled
            return

    def counts(self, request: Request) -> Response:
        """Return exact counts and states around a pixel."""
        frame = self._session.cache.frame(self._position(request), together_in(request)).frame
        row, col = number_in(request, "row", 0), number_in(request, "col", 0)
        around = Region(row - CLOSE_UP // 2, col - CLOSE_UP // 2, CLOSE_UP, CLOSE_UP, 1)
        region, content = exact_counts(frame, around)
        about = {"region": asdict(region), "shape": frame.counts.shape}
        return Response(content, media_type=BYTES, headers={"x-region": json.dumps(about)})

    def geometry(self, request: Request) -> Response:
        """Return panels, beam and rings in pixels of a frame."""
        shape = self._session.cache.frame(self._position(request)).frame.counts.shape
        return JSONResponse(geometry_answer(self._geometry, (shape[0], shape[1])))

    def judgement(self, request: Request) -> Response:
        """Return score and peaks of a frame that this person has labelled; of others they are secret."""
        position = self._position(request)
        if self._session.label_of(position) is None:
            raise HTTPException(403, "The score is shown after your label.")
        return JSONResponse(asdict(self._session.cache.judgement(position)))

    async def give(self, request: Request) -> Response:
        """Take a label; the answer comes when it is on the disk."""
        position, label = self._position(request), await _label_in(request)
        given = await run_in_threadpool(self._session.give, position, label)
        return JSONResponse({"judgement": asdict(given.judgement), "warning": given.warning})

    def undo(self, request: Request) -> Response:
        """Take back this person's latest label."""
        return JSONResponse(self._session.take_back())

    def _position(self, request: Request) -> int:
        position: int = request.path_params["position"]
        if position >= len(self._session.numbers):
            raise HTTPException(404, f"The run has {len(self._session.numbers)} frames, counted from 0.")
        return position


async def _label_in(request: Request) -> Label:
    try:
        return Label((await body_of(request, LONGEST_BODY))["label"])
    except (ValueError, TypeError, KeyError):
        raise HTTPException(400, "Known labels: hit, maybe, miss.") from None
