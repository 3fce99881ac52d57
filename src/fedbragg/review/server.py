"""The page over HTTP: its files, pictures of frames by number, labels in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fedbragg.errors import FrameError
from fedbragg.review.geometry_answer import geometry_answer
from fedbragg.review.labelling_session import LabellingSession
from fedbragg.review.orders import Order
from fedbragg.review.page_files import page_files
from fedbragg.review.picture import exact_counts, picture_of, whole
from fedbragg.review.reduction import Region, reduce_region
from fedbragg.types import Geometry, Label
from fedbragg.web.guard import Admission, Application, Guard

LONGEST_BODY = 1000
"""Bytes of a request that labels."""
MOST_BLOCKS = 8_000_000
"""Blocks of a picture; a browser asks for what its window shows."""
LARGEST = 1 << 20
"""Of any number in an address."""
CLOSE_UP = 192
"""Pixels along the edge of a part whose exact counts are given."""
BYTES = "application/octet-stream"


def application(session: LabellingSession, geometry: Geometry, admission: Admission) -> Application:
    """Return the server's application; only requests that ``admission`` allows reach it."""
    pages = Pages(session, geometry)
    routes = [
        *(Route(f"/{name}", _file(*content)) for name, content in page_files().items()),
        Route("/state", pages.state),
        Route("/labels", pages.labels),
        Route("/order/{order}", pages.order),
        Route("/frames/{position:int}/picture", pages.picture),
        Route("/frames/{position:int}/counts", pages.counts),
        Route("/frames/{position:int}/geometry", pages.geometry),
        Route("/frames/{position:int}/judgement", pages.judgement),
        Route("/frames/{position:int}/label", pages.give, methods=["POST"]),
        Route("/undo", pages.undo, methods=["POST"]),
    ]
    faults = {HTTPException: _refused, FrameError: _unreadable, OSError: _not_written}
    return Guard(Starlette(routes=routes, exception_handlers=faults), admission)


def _file(kind: str, content: bytes) -> Callable[[Request], Response]:
    return lambda request: Response(content, media_type=kind)


class Pages:
    """The answers; all but those that read a body run in a pool of threads."""

    def __init__(self, session: LabellingSession, geometry: Geometry) -> None:
        self._session, self._geometry = session, geometry

    def state(self, request: Request) -> Response:
        """Return where labels stand."""
        return JSONResponse(self._session.state())

    def labels(self, request: Request) -> Response:
        """Return this person's labels, a byte a frame."""
        return Response(self._session.labels(), media_type=BYTES)

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
            found = self._session.cache.frame(position)
        except FrameError as error:  # an answer like another: the page says it and goes on
            return Response(headers={"x-picture": json.dumps({"unreadable": str(error)})})
        frame, step = found.frame, _number(request, "step", 0)
        region = whole(frame.counts.shape, _number(request, "longest", 1024) or 1)
        if step:
            top, left, rows, cols = (_number(request, name, 0) for name in ("top", "left", "rows", "cols"))
            region = Region(top, left, rows, cols, step).inside(frame.counts.shape)
        if region.blocks[0] * region.blocks[1] > MOST_BLOCKS:
            raise HTTPException(400, "The region is too large for this step.")
        picture = picture_of(reduce_region(frame, region), found.scale)
        name, index = self._session.numbers.key(position)
        about = {
            "shape": frame.counts.shape, "region": asdict(region), "blocks": region.blocks,
            "scale": asdict(found.scale), "saturation": frame.saturation, "name": name, "frame": index,
        }  # fmt: skip
        return Response(
            picture.codes.tobytes(),
            media_type=BYTES,
            headers={"x-picture": json.dumps(about)},
            background=BackgroundTask(self._judge_ahead, position),
        )

    def _judge_ahead(self, position: int) -> None:
        try:
            self._session.cache.judgement(position)
        except FrameError:  # said when the frame is labelled
            return

    def counts(self, request: Request) -> Response:
        """Return exact counts and states around a pixel."""
        frame = self._session.cache.frame(self._position(request)).frame
        row, col = _number(request, "row", 0), _number(request, "col", 0)
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


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 7 and int(text) <= LARGEST):
        raise HTTPException(400, f"{name} is no number from 0 to {LARGEST}.")
    return int(text)


async def _label_in(request: Request) -> Label:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            raise HTTPException(413, "The request is too long.")
    try:
        return Label(json.loads(body)["label"])
    except (ValueError, TypeError, KeyError):
        raise HTTPException(400, "Known labels: hit, maybe, miss.") from None


def _refused(request: Request, error: Exception) -> Response:
    code, text = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, str(error))
    return JSONResponse({"problem": text}, status_code=code)


def _unreadable(request: Request, error: Exception) -> Response:
    return JSONResponse({"problem": str(error), "unreadable": True}, status_code=409)


def _not_written(request: Request, error: Exception) -> Response:
    place = getattr(error, "filename", None) or "the file of labels"
    reason = f"{place}: {getattr(error, 'strerror', None) or error}."
    if request.method != "POST":
        return JSONResponse({"problem": f"The labels cannot be read: {reason}"}, status_code=500)
    text = f"The label was not taken: {reason} Make room or give access, then label again."
    return JSONResponse({"problem": text}, status_code=507)
