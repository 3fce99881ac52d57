"""The watch of a source in memory: series one after the other, and what is said about each."""

from __future__ import annotations

from pathlib import Path

from made_frames import frame_of, live, verdict_of

from fedbragg.live.pipeline import Pipeline, PipelineSettings
from fedbragg.live.series_folder import SeriesFolder, SeriesOutcome, SeriesSettings
from fedbragg.live.source import Damaged, Event, Ignored, LiveFrame, Notice, SeriesEnd, SeriesStart
from fedbragg.live.watch import Watch, Watched
from fedbragg.screening.stop_signal import StopSignal
from fedbragg.testing import FakeSource, fake_series
from fedbragg.types import Verdict


class Watcher:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.verdicts: list[tuple[str, int]] = []
        self.messages: list[str] = []
        self.outcomes: list[SeriesOutcome] = []
        self.lines: list[str] = []

    def verdict(self, frame: LiveFrame, verdict: Verdict) -> None:
        self.verdicts.append((frame.series, verdict.index))

    def message(self, event: SeriesStart | SeriesEnd) -> None:
        self.messages.append(f"{type(event).__name__} {event.series}")

    def closed(self, outcome: SeriesOutcome) -> None:
        self.outcomes.append(outcome)

    def warn(self, line: str) -> None:
        self.lines.append(line)


def watched(out: Path, events: list[Event], *, once: bool = False) -> tuple[Watched, Watcher]:
    """Watch until the source has nothing more to tell."""
    source, watcher, stop = FakeSource(events), Watcher(), StopSignal()
    folders = SeriesSettings(out, "digest", 0.5, True, 2)
    watch = Watch(lambda series, fresh: SeriesFolder(series, folders, None, fresh=fresh), watcher)
    pipeline = Pipeline(source, verdict_of, PipelineSettings(2, 4, once=once))

    def step() -> None:
        if source.sent == len(events) and not pipeline.waiting:
            pipeline.stop()

    return watch.run(pipeline, stop, step), watcher


def test_each_series_has_its_folder_and_its_result(tmp_path: Path) -> None:
    events = fake_series("a", range(4), frame_of) + fake_series("b", range(2), frame_of)
    result, watcher = watched(tmp_path, events)
    assert watcher.verdicts == [("a", 0), ("a", 1), ("a", 2), ("a", 3), ("b", 0), ("b", 1)]
    assert watcher.messages == ["SeriesStart a", "SeriesEnd a", "SeriesStart b", "SeriesEnd b"]
    assert [(o.series, o.outcome.tally.frames, o.complete) for o in watcher.outcomes] == [
        ("a", 4, True),
        ("b", 2, True),
    ]
    assert (result.complete, result.frames, result.kept, watcher.lines) == (True, 6, 3, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_once_ends_with_the_first_end(tmp_path: Path) -> None:
    events = fake_series("a", range(4), frame_of) + fake_series("b", range(2), frame_of)
    result, watcher = watched(tmp_path, events, once=True)
    assert [outcome.series for outcome in watcher.outcomes] == ["a"]
    assert (result.frames, result.complete) == (4, True)  # nothing of the next series was taken


def test_a_series_whose_end_does_not_come_is_closed_by_the_next(tmp_path: Path) -> None:
    events = fake_series("a", range(3), frame_of)[:-1] + fake_series("b", range(2), frame_of)
    result, watcher = watched(tmp_path, events)
    assert [(o.series, o.ended, o.outcome.tally.frames) for o in watcher.outcomes] == [
        ("a", False, 3),
        ("b", True, 2),
    ]
    assert not result.complete


def test_a_late_image_of_a_closed_series_is_added_to_it(tmp_path: Path) -> None:
    first = fake_series("a", [0, 2], frame_of)
    late = fake_series("a", [1], frame_of)[1:]
    _, watcher = watched(tmp_path, first + late)
    assert [o.numbers.missing for o in watcher.outcomes] == [1, 0]
    assert watcher.outcomes[1].outcome.tally.frames == 3


def test_an_end_that_comes_twice_is_told_once(tmp_path: Path) -> None:
    events = fake_series("a", range(2), frame_of)
    _, watcher = watched(tmp_path, [*events, events[-1]])
    assert len(watcher.outcomes) == 1


def test_what_is_wrong_is_said_a_few_times_and_counted(tmp_path: Path) -> None:
    events: list[Event] = [Damaged(f"no CBOR {number}", b"x") for number in range(10)]
    more: list[Event] = [Ignored(b"y"), Notice("the sender is gone")]
    result, watcher = watched(tmp_path, events + more)
    assert watcher.lines == [
        "no CBOR 0",
        "no CBOR 1",
        "no CBOR 2 (others like it are only counted)",
        "the sender is gone",
    ]
    assert (result.damaged, result.complete) == (10, False)


def test_many_series_without_a_start_do_not_stay_open(tmp_path: Path) -> None:
    frames = [live(f"s{number}", 5) for number in range(20)]
    _, watcher = watched(tmp_path, list(frames))
    assert len(watcher.outcomes) == 20
    assert {o.numbers.joined for o in watcher.outcomes} == {5}
