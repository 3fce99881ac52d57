"""The folder of a series: what is in it, in which order, and how it goes on after a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import made_frames
import pytest
from made_frames import verdict_of

from fedbragg.live.pipeline import UNSCORED
from fedbragg.live.series_folder import SeriesFolder, SeriesOutcome, SeriesSettings
from fedbragg.live.source import LiveFrame
from fedbragg.screening.outputs.tables import read_verdicts
from fedbragg.types import Verdict


def settings(out: Path, threshold: float = 0.5) -> SeriesSettings:
    return SeriesSettings(out, "digest", threshold, True, 2)


def live(number: int) -> LiveFrame:
    return made_frames.live("s", number)


def add(folder: SeriesFolder, *numbers: int) -> list[int]:
    """Add frames; return the numbers of those that were written."""
    return [
        frame.number for number in numbers for frame, _ in folder.add(live(number), verdict_of(live(number)))
    ]


def closed(folder: SeriesFolder, *, ended: bool = True) -> SeriesOutcome:
    list(folder.idle())
    return folder.close(ended=ended)


def images(folder: Path) -> list[int]:
    return [verdict.index for verdict in read_verdicts((folder / "verdicts.csv").read_text().splitlines())]


def test_verdicts_are_written_in_the_order_of_the_images(tmp_path: Path) -> None:
    folder = SeriesFolder("s", settings(tmp_path), None)
    folder.start(6)
    assert add(folder, 1, 0, 2, 5, 3, 4, 2) == [0, 1, 2, 3, 4, 5]
    outcome = closed(folder)
    assert images(outcome.folder) == [0, 1, 2, 3, 4, 5]
    assert (outcome.folder / "hits.lst").read_text() == "s //0\ns //3\n"
    assert (outcome.twice, outcome.numbers.missing, outcome.complete) == (1, 0, True)
    assert (outcome.outcome.tally.frames, outcome.outcome.tally.kept) == (6, 2)


def test_every_verdict_is_with_the_system_at_once(tmp_path: Path) -> None:
    folder = SeriesFolder("s", settings(tmp_path), None)
    folder.start(6)
    add(folder, 0, 1)
    assert images(folder.folder) == [0, 1]
    closed(folder)


@pytest.mark.parametrize(
    ("numbers", "complete"), [((0, 1, 2), True), ((0, 2), False), ((0, 1), False), ((0, 1, 2, 7), False)]
)
def test_a_series_is_complete_when_all_announced_images_came(
    tmp_path: Path, numbers: tuple[int, ...], complete: bool
) -> None:
    folder = SeriesFolder("s", settings(tmp_path), None)
    folder.start(3)
    add(folder, *numbers)
    assert closed(folder).complete is complete


def test_without_its_end_or_with_unscored_frames_it_is_not_complete(tmp_path: Path) -> None:
    folder = SeriesFolder("s", settings(tmp_path), None)
    add(folder, 0, 1)
    assert not closed(folder, ended=False).complete
    again = SeriesFolder("s", settings(tmp_path), None)
    list(again.add(live(2), Verdict("s", 2, None, True, UNSCORED, event="//2")))
    outcome = closed(again)
    assert (outcome.unscored, outcome.complete) == (1, False)


@pytest.mark.parametrize("cut", [0, 1, 12])
def test_killed_in_any_byte_it_goes_on_and_counts_what_is_missing(tmp_path: Path, cut: int) -> None:
    folder = SeriesFolder("s", settings(tmp_path), None)
    folder.start(None)
    add(folder, 0, 1, 2, 3, 4, 5, 6)
    table = folder.folder / "verdicts.csv"
    content = table.read_bytes()
    folder._files.pop_all()  # as a kill leaves it: nothing more is written
    table.write_bytes(content[: len(content) - cut])
    lost = {0: 0, 1: 1, 12: 1}[cut]

    again = SeriesFolder("s", settings(tmp_path), None)
    assert again.folder == folder.folder
    add(again, 9, 10, 3)
    outcome = closed(again)
    assert images(outcome.folder) == [*range(7 - lost), 9, 10]
    assert (outcome.numbers.missing, outcome.twice) == (2 + lost, 1)
    kept = [0, 3, 9] if lost else [0, 3, 6, 9]
    assert (outcome.folder / "hits.lst").read_text() == "".join(f"s //{number}\n" for number in kept)


def test_other_settings_get_another_folder_and_the_first_is_left_alone(tmp_path: Path) -> None:
    first = SeriesFolder("s", settings(tmp_path), None)
    add(first, 0)
    closed(first)
    second = SeriesFolder("s", settings(tmp_path, threshold=0.7), None)
    assert (first.folder, second.folder) == (tmp_path / "s", tmp_path / "s-2")
    closed(second)
    third = SeriesFolder("s", settings(tmp_path, threshold=0.7), None)
    assert third.folder == second.folder
    closed(third)
    assert images(first.folder) == [0]


@pytest.mark.parametrize("name", ["../../etc", "/tmp/x", "..", ".hidden", "a/b", "x" * 300, "a b\\x1b"])
def test_no_series_leaves_the_folder_of_results(tmp_path: Path, name: str) -> None:
    folder = SeriesFolder(name, settings(tmp_path), None)
    closed(folder)
    assert folder.folder.parent == tmp_path
    assert folder.folder.is_dir()


class Drift:
    """Stands for a drift monitor: keeps everything, and counts what it sees."""

    alarms: tuple[Any, ...] = ()
    kept = 0

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.restored: list[int] = []

    def see(self, verdict: Verdict) -> Verdict:
        self.seen.append(verdict.index)
        return Verdict(verdict.path, verdict.index, verdict.score, True, "drift: test", event=verdict.event)

    def restore(self, verdict: Verdict) -> None:
        self.restored.append(verdict.index)

    def warn_if_alarmed(self) -> None:
        pass

    class settings:  # noqa: N801
        fail_safe = True


def test_drift_sees_the_frames_in_order_and_those_of_before_when_it_goes_on(tmp_path: Path) -> None:
    drift, again = Drift(), Drift()
    folder = SeriesFolder("s", settings(tmp_path), drift)  # type: ignore[arg-type]
    folder.start(None)
    add(folder, 1, 0, 2)
    assert closed(folder).outcome.tally.kept == 3
    second = SeriesFolder("s", settings(tmp_path), again)  # type: ignore[arg-type]
    add(second, 3)
    closed(second)
    assert (drift.seen, again.restored, again.seen) == ([0, 1, 2], [0, 1, 2], [3])
