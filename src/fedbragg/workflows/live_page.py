"""The live page of a watch: it shows what the terminal shows, and the latest hits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from fedbragg.types import Frame, Verdict

if TYPE_CHECKING:
    from fedbragg.live.page.state import LiveState
    from fedbragg.live.series_folder import SeriesOutcome
    from fedbragg.live.source import LiveFrame
    from fedbragg.live.watch import Progress
    from fedbragg.workflows.watch import Shown, WatchRequest

Look = Callable[["LiveFrame", Frame, Verdict], None]
"""Takes a frame that was scored, in the thread that scored it."""


@contextmanager
def live_page(address: str, request: WatchRequest, shown: Shown) -> Iterator[tuple[Shown, Look]]:
    """Serve the page during the block; give callbacks that update it too, and the function that takes its pictures.

    Raises ConfigError where the port is taken, MissingExtraError without the packages for pages.
    """
    from fedbragg.extras import require
    from fedbragg.live.page.serve import served
    from fedbragg.live.page.state import LiveState, PageSettings
    from fedbragg.screening.guarantee.wording import promise_line

    require("page", "the live page")
    promise = promise_line(request.predictor.card, request.limit)
    state = LiveState(
        PageSettings(address, request.limit, request.places, promise, request.grid, request.latest)
    )
    with served(state, request.page or 0) as page:
        shown.page(page)
        yield _shown_on_page(state, shown), state.hits.see


def _shown_on_page(state: LiveState, shown: Shown) -> Shown:
    def series(outcome: SeriesOutcome) -> None:
        state.series_over(outcome)
        shown.series(outcome)

    def verdict(frame: LiveFrame, verdict: Verdict) -> None:
        state.verdict(frame, verdict)
        shown.verdict(frame, verdict)

    def progress(progress: Progress) -> None:
        state.progress(progress)
        shown.progress(progress)

    def warn(line: str) -> None:
        state.line(line)
        shown.warn(line)

    return replace(shown, series=series, verdict=verdict, progress=progress, warn=warn)
