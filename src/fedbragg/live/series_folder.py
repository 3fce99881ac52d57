"""The folder of one series: its verdicts in the order of the images, and which images are missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from fedbragg.files import write_whole
from fedbragg.live.image_numbers import ImageNumbers, Seen
from fedbragg.live.kept_images import KeptImages
from fedbragg.live.pipeline import UNSCORED
from fedbragg.live.reorder import Reorder
from fedbragg.live.source import LiveFrame
from fedbragg.screening import checkpoint
from fedbragg.screening.checkpoint import Checkpoint, Identity
from fedbragg.screening.drift.monitor import DriftMonitor
from fedbragg.screening.drift.wording import drift_lines
from fedbragg.screening.outputs.crystfel import event_line
from fedbragg.screening.outputs.tables import KEPT, VERDICTS, verdicts_in
from fedbragg.screening.session import Outcome, Session, open_screening
from fedbragg.types import Verdict

LONGEST_NAME = 100
REMEDY = "Make room, then start the watch again: it continues in the same folder."


@dataclass(frozen=True, slots=True)
class SeriesSettings:
    """The settings shared by all series of a watch."""

    out: Path  # each series gets a folder in it
    model: str  # digest of the model file
    threshold: float  # of the score
    fail_safe: bool  # keep every frame while the series is unlike the calibration
    threads: int
    images: bool = False  # write the kept images too
    run_folder: str = (
        ""  # name of the folder of a run of files, whose frames are numbered through them all; else empty
    )


@dataclass(frozen=True, slots=True)
class SeriesOutcome:
    """The result of a series so far."""

    series: str
    folder: Path
    outcome: Outcome
    numbers: ImageNumbers
    unscored: int  # frames that are kept because the queue was full
    twice: int  # images that came again, and count once
    beyond: int  # images with numbers that the start did not announce
    ended: bool  # by the detector's own message
    images: str = ""  # a line about the file of kept images, where there is one

    @property
    def complete(self) -> bool:
        """Return whether every image came and has a score."""
        counted = self.outcome.tally.unreadable + self.numbers.missing + self.numbers.unsent + self.beyond
        return counted == 0 and self.ended


class SeriesFolder:
    """A series that is being written; opened again, it continues where its tables end."""

    def __init__(
        self,
        series: str,
        settings: SeriesSettings,
        drift: DriftMonitor | None,
        warn: Callable[[str], None] = lambda line: None,
        *,
        fresh: bool = False,
    ) -> None:
        """Open the folder of a series, new or to continue; raise InputError where it cannot be written.

        With ``fresh`` the series is a new one, even if a folder holds one of the same name.
        """
        self.series = series
        self.folder, start = _folder_of(series, settings, fresh=fresh)
        session = Session(self.folder, settings.threads, start, drift=drift, remedy=REMEDY)
        self._files, self._drift, self._twice, self._beyond = ExitStack(), drift, 0, 0
        earlier = list(verdicts_in(self.folder)) if start.done else []
        self._unscored = sum(verdict.reason == UNSCORED for verdict in earlier)
        self.numbers = ImageNumbers.of(_numbers(earlier, settings))
        self._order: Reorder[tuple[LiveFrame, Verdict]] = Reorder(self.numbers.next if earlier else None)
        self._screening = self._files.enter_context(open_screening(session, settings.threshold))
        self._images = KeptImages(self.folder, warn) if settings.images else None
        self._before: int | None = None  # frames of earlier watches, where each watch counts from 0

    def start(self, announced: int | None) -> None:
        """Take the start of the series: how many images it announces, the first being number 0."""
        fresh = self.numbers.next == 0
        self.numbers.starts_at_zero(announced)
        if fresh:
            self._order = Reorder(0)

    def add(self, frame: LiveFrame, judged: Verdict) -> Iterator[tuple[LiveFrame, Verdict]]:
        """Write the verdicts that are now in order, and yield them with their frames."""
        if frame.counted:
            frame, judged = self._renumbered(frame, judged)
        seen = self.numbers.see(frame.number)
        self._twice += seen is Seen.TWICE
        self._beyond += seen is Seen.BEYOND
        if seen is not Seen.TWICE:
            yield from self._written(self._order.add(frame.number, (frame, judged)))

    def _renumbered(self, frame: LiveFrame, judged: Verdict) -> tuple[LiveFrame, Verdict]:
        """Number a frame that this watch has counted after the frames of earlier watches."""
        if self._before is None:
            self._before = max(0, self.numbers.next - frame.number)
        number = frame.number + self._before
        return replace(frame, number=number), replace(judged, index=number, event=f"//{number}")

    def idle(self) -> Iterator[tuple[LiveFrame, Verdict]]:
        """Write the verdicts that waited for an image that has not come, and yield them with their frames."""
        yield from self._written(self._order.rest())

    def close(self, *, ended: bool) -> SeriesOutcome:
        """Close the tables and return the result; all verdicts that waited must have been taken by `idle`."""
        self._files.close()
        if self._images is not None:
            self._images.close()
        outcome = replace(self._screening.outcome(), drift=drift_lines(self._drift))
        return SeriesOutcome(
            self.series,
            self.folder,
            outcome,
            self.numbers,
            self._unscored,
            self._twice,
            self._beyond,
            ended,
            self._images.in_words() if self._images is not None else "",
        )

    @property
    def drift(self) -> str:
        """Return why the series is unlike the calibration; empty where it is not."""
        return self._drift.alarms[-1].reason if self._drift is not None and self._drift.alarmed else ""

    @property
    def frames(self) -> int:
        """Return the number of frames written."""
        return self._screening.tally.frames

    @property
    def kept(self) -> int:
        """Return how many of them are kept."""
        return self._screening.tally.kept

    def _written(self, ready: Iterator[tuple[LiveFrame, Verdict]]) -> Iterator[tuple[LiveFrame, Verdict]]:
        for frame, judged in ready:
            verdict = self._screening.add(judged)
            self._unscored += verdict.reason == UNSCORED
            self._screening.flush()  # so that a killed watch loses no verdict
            if self._images is not None:
                self._images.add(frame, verdict)
            yield frame, verdict


def verdicts_so_far(series: str, settings: SeriesSettings) -> list[Verdict]:
    """Return the verdicts already written of a series, after which it continues."""
    folder, start = _folder_of(series, settings)
    return list(verdicts_in(folder)) if start.done else []


def _numbers(verdicts: list[Verdict], settings: SeriesSettings) -> Iterable[int]:
    return range(len(verdicts)) if settings.run_folder else (verdict.index for verdict in verdicts)


def _folder_of(series: str, settings: SeriesSettings, *, fresh: bool = False) -> tuple[Path, Checkpoint]:
    """Return a series' folder and where to continue: the last folder that holds it, or a new one."""
    identity = Identity(series, 0, settings.model, settings.threshold, False, settings.fail_safe)
    name = re.sub(r"[^\w.-]|^\.+", "_", settings.run_folder or series, flags=re.ASCII)[:LONGEST_NAME]
    number, latest = 1, None
    while (folder := settings.out / (name if number == 1 else f"{name}-{number}")).exists():
        found = _found(folder, identity, repaired=_cut if settings.run_folder else _listed_anew)
        latest = latest if found is None else (folder, found)
        number += 1
    if latest is None or (fresh and latest[1].done):
        return folder, Checkpoint(identity)
    return latest


def _found(
    folder: Path, identity: Identity, repaired: Callable[[Path, bytes], tuple[int, dict[str, int]]]
) -> Checkpoint | None:
    """Return where to continue in a folder, or None where something else is in it.

    The tables are flushed after every frame, which the checkpoint, written once a second, does not know.
    """
    from fedbragg.errors import InputError

    try:
        found = checkpoint.load(folder)
    except InputError:
        return None
    if found is None or found.identity != identity:
        return None
    whole = _whole_lines(folder / VERDICTS)
    done, sizes = repaired(folder, whole) if whole.count(b"\n") > 1 else (0, {})
    return replace(found, done=done, sizes=sizes)


def _whole_lines(path: Path) -> bytes:
    """Return a table without a row that a killed watch left half written; empty where there is no table."""
    content = path.read_bytes() if path.is_file() else b""
    return content[: content.rfind(b"\n") + 1]


def _listed_anew(folder: Path, table: bytes) -> tuple[int, dict[str, int]]:
    """Rewrite the list of a stream's kept images from its table; return the rows and the sizes of both."""
    write_whole(folder / VERDICTS, table)
    verdicts = list(verdicts_in(folder))
    kept = (replace(verdict, event=f"//{verdict.index}") for verdict in verdicts if verdict.keep)
    hits = "".join(event_line(verdict) + "\n" for verdict in kept).encode("utf-8", "surrogateescape")
    write_whole(folder / KEPT, hits)
    return len(verdicts), {VERDICTS: len(table), KEPT: len(hits)}


def _cut(folder: Path, table: bytes) -> tuple[int, dict[str, int]]:
    """Cut both tables of a run of files to the frames that both have; return the rows and the sizes of both.

    The list cannot be rebuilt from the table's rows here; a frame that is cut off is screened again.
    """
    listed = _whole_lines(folder / KEPT).splitlines(keepends=True)
    write_whole(folder / VERDICTS, table)
    done = kept = 0
    for verdict in verdicts_in(folder):
        if verdict.keep and kept == len(listed):
            break
        done, kept = done + 1, kept + verdict.keep
    rows, hits = b"".join(table.splitlines(keepends=True)[: done + 1]), b"".join(listed[:kept])
    write_whole(folder / VERDICTS, rows)
    write_whole(folder / KEPT, hits)
    return done, {VERDICTS: len(rows), KEPT: len(hits)}
