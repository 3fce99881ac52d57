"""A picture as the browser gets it: codes as the body, their scale in a header."""

from __future__ import annotations

import json
from dataclasses import asdict

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fedbragg.review.frames.frame_cache import ScaledFrame
from fedbragg.review.frames.neighbours import MOST
from fedbragg.review.frames.picture import picture_of, whole
from fedbragg.review.frames.reduction import Region, reduce_region

MOST_BLOCKS = 8_000_000
"""Most blocks of a picture; a browser asks for the part that its window shows."""
LARGEST = 1 << 20
"""Largest number accepted in an address."""
BYTES = "application/octet-stream"


def picture_answer(request: Request, found: ScaledFrame, name: str, index: int | None) -> Response:
    """Return codes of a frame or the region that is asked for; ``name`` and ``index`` are the frame's."""
    frame, step = found.frame, number_in(request, "step", 0)
    region = whole(frame.counts.shape, number_in(request, "longest", 1024) or 1)
    if step:
        top, left, rows, cols = (number_in(request, name, 0) for name in ("top", "left", "rows", "cols"))
        region = Region(top, left, rows, cols, step).inside(frame.counts.shape)
    if region.blocks[0] * region.blocks[1] > MOST_BLOCKS:
        raise HTTPException(400, "The region is too large for this step.")
    picture = picture_of(reduce_region(frame, region), found.scale)
    about = {
        "shape": frame.counts.shape, "region": asdict(region), "blocks": region.blocks,
        "scale": asdict(found.scale), "saturation": frame.saturation, "name": name, "frame": index,
        "positions": found.positions,
    }  # fmt: skip
    return Response(picture.codes.tobytes(), media_type=BYTES, headers={"x-picture": json.dumps(about)})


def number_in(request: Request, name: str, default: int) -> int:
    """Return a number of the address."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 7 and int(text) <= LARGEST):
        raise HTTPException(400, f"{name} is not a number from 0 to {LARGEST}.")
    return int(text)


def together_in(request: Request) -> int:
    """Return how many frames are to be summed."""
    number = number_in(request, "together", 1)
    if not 1 <= number <= MOST:
        raise HTTPException(400, f"together is not a number from 1 to {MOST}.")
    return number
