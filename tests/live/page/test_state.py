"""What the page is told: counts, curves and the map of a series, and the totals of all."""

from __future__ import annotations

import json
from pathlib import Path

from made_frames import live

from fedbragg.live.page.metrics import metrics
from fedbragg.live.page.state import NO_SCORE, LiveState, PageSettings
from fedbragg.live.pipeline import UNSCORED
from fedbragg.live.series_folder import SeriesFolder, SeriesSettings
from fedbragg.live.watch import Progress
from fedbragg.screening.summary.grid import Grid
from fedbragg.types import Verdict


def state(grid: Grid | None = None) -> LiveState:
    return LiveState(PageSettings("tcp://host:1", 0.5, 16, "none", grid))


def add(into: LiveState, series: str, number: int, score: float | None, reason: str = "") -> None:
    keep = score is None or score >= 0.5
    into.verdict(live(series, number), Verdict(series, number, score, keep, reason, 3.0))


def test_a_series_begins_anew_and_totals_go_on() -> None:
    watched = state()
    assert watched.snapshot()["hit_rate"] is None
    for number, score in enumerate([0.9, 0.1, None, None, 1.0]):
        add(watched, "a", number, score, UNSCORED if number == 2 else "damaged" if number == 3 else "")
    shown = watched.snapshot()
    assert (shown["frames"], shown["kept"], shown["hit_rate"]) == (5, 4, 2 / 3)
    assert (shown["histogram"][36], shown["histogram"][4], shown["histogram"][39]) == (1, 1, 1)
    assert shown["curves"] == {"hit_rate": [1, 0.5, 0.6667], "background": [3, 3, 3]}
    add(watched, "b", 0, 0.2)
    shown = watched.snapshot()
    assert (shown["series"], shown["frames"], shown["unscored"], shown["unreadable"]) == ("b", 1, 1, 1)
    assert "fedbragg_frames_total 6\n" in metrics(watched)
    json.dumps(shown, allow_nan=False)


def test_the_map_fills_in_the_order_of_the_scan() -> None:
    watched = state(Grid(2, 3, snake=True))
    for number, score in ((0, 1.0), (3, 0.5), (9, 1.0)):
        add(watched, "a", number, score)
    assert list(watched.map_codes()) == [200, NO_SCORE, NO_SCORE, NO_SCORE, NO_SCORE, 100]


def test_images_that_are_missing_stay_counted_when_their_series_is_over(tmp_path: Path) -> None:
    watched = state()
    watched.progress(Progress(frames=4, waiting=3, missing=2, damaged=1, lag=0.25, drift="scores too high"))
    folder = SeriesFolder("a", SeriesSettings(tmp_path, "digest", 0.5, True, 1), None)
    folder.start(10)
    for number in (0, 3):
        list(folder.add(live("a", number), Verdict("a", number, 0.9, True)))
    list(folder.idle())
    watched.series_over(folder.close(ended=True))
    assert watched.missing == 2 + 6
    text = metrics(watched)
    for line in ("missing_frames 8", "queue_frames 3", "lag_seconds 0.25", "drift 1", "hit_rate NaN"):
        assert f"\nfedbragg_{line}\n" in text
