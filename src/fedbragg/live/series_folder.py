"""The folder of one series: its verdicts in the order of the images, and which images are missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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
REMEDY = "Make room, then start the watch again: it goes on in the same folder."


@dataclass(frozen=True, slots=True)
class SeriesSettings:
    """What is the same for all series of a watch."""

    out: Path  # each series gets a folder in it
    model: str  # digest of the model file
    threshold: float  # of the score
    fail_safe: bool  # keep every frame while the series is unlike the calibration
    threads: int
    images: bool = False  # write the kept images too


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
    """A series that is being written; opened again, it goes on where its tables end."""

    def __init__(
        self,
        series: str,
        settings: SeriesSettings,
        drift: DriftMonitor | None,
        warn: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Open the folder of a series, new or to go on; raise InputError where it cannot be written."""
        identity = Identity(series, 0, settings.model, settings.threshold, False, settings.fail_safe)
        self.series = series
        self.folder, start = _folder_of(settings.out, identity)
        session = Session(self.folder, settings.threads, start, drift=drift, remedy=REMEDY)
        self._files, self._drift, self._twice, self._beyond = ExitStack(), drift, 0, 0
        earlier = list(verdicts_in(self.folder)) if start.done else []
        self._unscored = sum(verdict.reason == UNSCORED for verdict in earlier)
        self.numbers = ImageNumbers.of(verdict.index for verdict in earlier)
        self._order: Reorder[tuple[LiveFrame, Verdict]] = Reorder(self.numbers.next if earlier else None)
        self._screening = self._files.enter_context(open_screening(session, settings.threshold))
        self._images = KeptImages(self.folder, warn) if settings.images else None

    def start(self, announced: int | None) -> None:
        """Learn how many images the detector means to send, and that the first is number 0."""
        fresh = self.numbers.next == 0
        self.numbers.starts_at_zero(announced)
        if fresh:
            self._order = Reorder(0)

    def add(self, frame: LiveFrame, judged: Verdict) -> Iterator[tuple[LiveFrame, Verdict]]:
        """Write the verdicts that now have their turn, and yield them with their frames."""
        seen = self.numbers.see(frame.number)
        self._twice += seen is Seen.TWICE
        self._beyond += seen is Seen.BEYOND
        if seen is not Seen.TWICE:
            yield from self._written(self._order.add(frame.number, (frame, judged)))

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
            self._screening.flush()  # so that a killed watch loses only what it had not decided
            if self._images is not None:
                self._images.add(frame, verdict)
            yield frame, verdict


def _folder_of(out: Path, identity: Identity) -> tuple[Path, Checkpoint]:
    """Return a series' folder and where it goes on; one of other settings is left alone, and another name taken."""
    name = re.sub(r"[^\w.-]|^\.+", "_", identity.run, flags=re.ASCII)[:LONGEST_NAME]
    number = 1
    while True:
        folder = out / (name if number == 1 else f"{name}-{number}")
        if not folder.exists():
            return folder, Checkpoint(identity)
        found = _found(folder, identity)
        if found is not None:
            return folder, found
        number += 1


def _found(folder: Path, identity: Identity) -> Checkpoint | None:
    """Return where a folder goes on, or None where something else is in it."""
    from fedbragg.errors import InputError

    try:
        found = checkpoint.load(folder)
    except InputError:
        return None
    if found is None or found.identity != identity:
        return None
    done, sizes = _repaired(folder)
    return replace(found, done=done, sizes=sizes)


def _repaired(folder: Path) -> tuple[int, dict[str, int]]:
    """Cut a row that a killed watch left half written, and list the kept frames anew; return what is there.

    The tables are flushed after every frame, which the checkpoint, written once a second, does not know.
    """
    table = folder / VERDICTS
    if not table.is_file():
        return 0, {}
    content = table.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole.count(b"\n") < 2:
        return 0, {}
    if len(whole) < len(content):
        write_whole(table, whole)
    verdicts = list(verdicts_in(folder))
    kept = (replace(verdict, event=f"//{verdict.index}") for verdict in verdicts if verdict.keep)
    hits = "".join(event_line(verdict) + "\n" for verdict in kept).encode("utf-8", "surrogateescape")
    write_whole(folder / KEPT, hits)
    return len(verdicts), {VERDICTS: len(whole), KEPT: len(hits)}
