"""Pictures of the latest hits, made no faster than a person can look at them."""

from __future__ import annotations

import threading
import time
from collections import deque

from fedbragg.live.page.thumbnail import Thumbnail, thumbnail
from fedbragg.live.source import LiveFrame
from fedbragg.types import Frame, Verdict

SHOWN = 8
SECONDS_BETWEEN = 0.5
"""A picture of 4.5 megapixels takes a thread 0.02 s, one of 18 megapixels 0.06 s."""


class LatestHits:
    """Keeps pictures of the frames that threads of a watch have just scored."""

    def __init__(self, *, all_frames: bool = False) -> None:
        """Show hits, or all frames with ``all_frames``."""
        self._all_frames = all_frames
        self._lock = threading.Lock()
        self._latest: deque[tuple[int, Thumbnail]] = deque(maxlen=SHOWN)
        self._made, self._due = 0, 0.0

    def see(self, live: LiveFrame, frame: Frame, verdict: Verdict) -> None:
        """Keep a picture of a frame if the page shows such frames and the last picture is old enough."""
        if verdict.score is None or not (verdict.keep or self._all_frames):
            return
        with self._lock:
            now = time.monotonic()
            if now < self._due:
                return
            self._due = now + SECONDS_BETWEEN
        picture = thumbnail(live.series, live.number, frame, verdict)
        with self._lock:
            self._made += 1
            self._latest.append((self._made, picture))

    def listed(self) -> list[tuple[int, Thumbnail]]:
        """Return the pictures with their numbers, the latest first."""
        with self._lock:
            return list(reversed(self._latest))

    def picture(self, number: int) -> bytes | None:
        """Return one as PNG, or None where it is no longer kept."""
        return next((each.png for made, each in self.listed() if made == number), None)
