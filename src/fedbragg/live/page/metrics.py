"""A watch's figures in Prometheus' text format 0.0.4."""

from __future__ import annotations

import math
from collections.abc import Iterator

from fedbragg.live.page.state import LiveState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics(state: LiveState) -> str:
    """Return every figure with its help and type, a line each."""
    return "".join(
        f"# HELP fedbragg_{name} {text}\n# TYPE fedbragg_{name} {kind}\nfedbragg_{name} {_number(value)}\n"
        for name, kind, text, value in _figures(state)
    )


def _figures(state: LiveState) -> Iterator[tuple[str, str, str, float]]:
    totals, progress, shown = state.totals, state.latest, state.snapshot()
    yield "frames_total", "counter", "Frames with a verdict.", totals.frames
    yield "kept_total", "counter", "Frames that are kept.", totals.kept
    yield (
        "unscored_total",
        "counter",
        "Frames kept without a score, because the queue was full.",
        totals.unscored,
    )
    yield (
        "unreadable_total",
        "counter",
        "Frames kept because they cannot be read or scored.",
        totals.unreadable,
    )
    yield "damaged_messages_total", "counter", "Messages that cannot be used.", progress.damaged
    yield "missing_frames", "gauge", "Frames that did not come; a late one is taken off again.", state.missing
    yield "queue_frames", "gauge", "Frames that wait for their verdict.", progress.waiting
    yield "queue_places", "gauge", "Frames that may wait.", state.settings.places
    yield "lag_seconds", "gauge", "Time from receiving the latest frame to its verdict.", progress.lag
    yield "frames_per_second", "gauge", "Frames with a verdict over the last five seconds.", shown["rate"]
    hit_rate = shown["hit_rate"]
    yield (
        "hit_rate",
        "gauge",
        "Share of kept frames among the scored ones of the series.",
        (math.nan if hit_rate is None else hit_rate),
    )
    yield "drift", "gauge", "1 while the series is unlike the calibration.", float(bool(progress.drift))


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:g}" if isinstance(value, float) else str(value)
