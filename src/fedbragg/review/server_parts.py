"""Shared by every page's server: reading requests' bodies, and answers to errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fedbragg.errors import FedbraggError, FrameError


async def body_of(request: Request, longest: int) -> Any:
    """Return the JSON of a request's body; raise ValueError if it is not JSON, HTTPException if it is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > longest:
            raise HTTPException(413, "The request is too long.")
    return json.loads(body)


def _refused(request: Request, error: Exception) -> Response:
    code, text = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, str(error))
    return JSONResponse({"problem": text}, status_code=code)


def _impossible(request: Request, error: Exception) -> Response:
    return JSONResponse({"problem": str(error)}, status_code=409)


def _unreadable(request: Request, error: Exception) -> Response:
    return JSONResponse({"problem": str(error), "unreadable": True}, status_code=409)


def _not_written(request: Request, error: Exception) -> Response:
    place = getattr(error, "filename", None) or "the file of labels"
    reason = f"{place}: {getattr(error, 'strerror', None) or error}."
    if request.method != "POST":
        return JSONResponse({"problem": f"The labels cannot be read: {reason}"}, status_code=500)
    what = (
        "The label was not taken" if request.url.path.endswith(("/label", "/undo")) else "It was not written"
    )
    text = f"{what}: {reason} Make room or give access, then try again."
    return JSONResponse({"problem": text}, status_code=507)


FAULTS: dict[Any, Callable[[Request, Exception], Response]] = {
    HTTPException: _refused,
    FrameError: _unreadable,
    FedbraggError: _impossible,
    OSError: _not_written,
}
"""Answers to errors, by their type."""
