"""Give the kept images to CrystFEL's indexamajig, decoded and with their spots, as MessagePack.

The fields are those that CrystFEL reads (libcrystfel/src/image-msgpack.c) under the names that OM gives them, so that a
geometry file for OM fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fedbragg.errors import FrameError
from fedbragg.live.reply import Reply
from fedbragg.live.source import LiveFrame, SeriesEnd, SeriesStart
from fedbragg.types import Frame, Geometry, Spot, Verdict

HC = 12398.41984
"""Photon energy times wavelength, in electronvolt angstrom (CODATA 2018)."""


class ForwardToCrystfel:
    """Answers each request with the next kept image."""

    def __init__(self, address: str, stopped: Callable[[], bool]) -> None:
        """Bind; raise ConfigError where the address cannot be used. A wait for a request ends when ``stopped``."""
        self._reply, self._stopped = Reply(address), stopped
        self.sent = self.lost = 0  # kept images

    def verdict(self, frame: LiveFrame, verdict: Verdict) -> None:
        """Wait for the next request and answer it with a kept image; skip an image that cannot be decoded."""
        if not verdict.keep:
            return
        try:
            message = packed(frame.read(), frame, verdict)
        except FrameError:
            self.lost += 1
            return
        sent = self._reply.send(message, self._stopped)
        self.sent += sent
        self.lost += not sent

    def message(self, event: SeriesStart | SeriesEnd) -> None:
        """Skip starts and ends: CrystFEL takes images only."""

    def close(self) -> None:
        """Close the socket once all sent messages have arrived."""
        self._reply.close()


def packed(frame: Frame, live: LiveFrame, verdict: Verdict) -> bytes:
    """Return an image as a map of MessagePack.

    No name may be the beginning of another, because CrystFEL compares as many letters as the name here has.
    """
    import msgpack

    values = {
        "detector_data": _image(frame),
        "peak_list": _peaks(verdict.spots),
        **_instrument(live.geometry),
        "event_id": f"{live.series}//{live.number}",
        "source": live.series,
        "score": verdict.score,
    }
    return bytes(msgpack.packb({name: value for name, value in values.items() if value is not None}))


def _image(frame: Frame) -> dict[str, Any]:
    """Return the counts as little-endian float32; masked pixels are NaN, which CrystFEL takes for bad ones."""
    pixels = frame.counts.astype("<f4")
    pixels[frame.mask] = np.nan
    return {"type": "<f4", "shape": list(pixels.shape), "data": pixels.tobytes()}


def _peaks(spots: Sequence[Spot]) -> dict[str, list[float]]:
    """Return the spots; fs is the column and ss the row, from 0 at the centre of the first pixel.

    CrystFEL adds half a pixel, and takes every number for a float64.
    """
    return {
        "fs": [float(spot.column) for spot in spots],
        "ss": [float(spot.row) for spot in spots],
        "intensity": [float(spot.intensity) for spot in spots],
    }


def _instrument(geometry: Geometry) -> dict[str, float | None]:
    """Return photon energy in electronvolt and detector distance in millimetre, where the series' start gave them."""
    return {
        "beam_energy": HC / geometry.wavelength if geometry.wavelength else None,
        "detector_distance": 1e3 * geometry.distance if geometry.distance else None,
    }
