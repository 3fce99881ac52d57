"""One person's session at the page: see the state of the labels, choose an order, give labels, take them back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fedbragg.models.onnx_file import digest
from fedbragg.review.frames.frame_cache import FrameCache
from fedbragg.review.frames.frame_numbers import FrameNumbers
from fedbragg.review.frames.judgement import Judgement
from fedbragg.review.frames.scores import Scores
from fedbragg.review.labels.entry import Entry
from fedbragg.review.labels.label_store import LabelStore
from fedbragg.review.labels.orders import Order, Positions, at_random, by_time, by_uncertainty, only
from fedbragg.screening.judge import FrameScorer
from fedbragg.screening.summary.grid import Grid
from fedbragg.tasks.hits.predictor import HitPredictor
from fedbragg.types import Label

CODES = (None, Label.HIT, Label.MAYBE, Label.MISS)
"""Labels as the bytes that the page gets."""


@dataclass(frozen=True, slots=True)
class Reviewer:
    """The person who labels, and the model."""

    person: str
    model_file: Path
    digest: str  # SHA-256 of the model file
    threshold: float
    seed: int  # of the random order


@dataclass(frozen=True, slots=True, eq=False)
class ReviewedRun:
    """The frames of a run, with scores, geometry and grid."""

    numbers: FrameNumbers
    cache: FrameCache
    scores: Scores
    grid: Grid | None = None  # where the run is a grid scan


@dataclass(frozen=True, slots=True)
class Given:
    """A label that is on the disk."""

    judgement: Judgement  # of the frame, which may now be shown
    warning: str


class LabellingSession:
    """Frames, labels and scores together, for one person; safe to call from several threads."""

    def __init__(self, reviewer: Reviewer, run: ReviewedRun, store: LabelStore) -> None:
        self.reviewer, self.store, self.grid = reviewer, store, run.grid
        self.numbers, self.cache, self.scores = run.numbers, run.cache, run.scores

    def label_of(self, position: int) -> Label | None:
        """Return this person's label of a frame."""
        found = self.store.label(self.numbers.key(position), self.reviewer.person)
        return found if isinstance(found, Label) else None

    def give(self, position: int, label: Label) -> Given:
        """Label a frame; raise FrameError if it cannot be read, OSError if the label cannot be written."""
        judgement, who = self.cache.judgement(position), self.reviewer
        path, frame = self.numbers.key(position)
        entry = Entry(path, frame, label, who.person, now(), who.digest, judgement.score)
        return Given(judgement, self.store.give(entry).warning)

    def take_back(self) -> dict[str, Any]:
        """Take back this person's latest label of this run; raise OSError if that cannot be written."""
        taken = self.store.take_back(
            self.reviewer.person, now(), lambda key: self.numbers.position(key) is not None
        )
        if taken is None:
            return {"name": "", "position": None, "warning": ""}
        path, frame = taken.entry.key
        position = self.numbers.position(taken.entry.key)
        return {"name": f"{path} frame {frame}", "position": position, "warning": taken.warning}

    def labels(self) -> bytes:
        """Return this person's labels, one byte a frame: its place in CODES."""
        found = bytearray(len(self.numbers))
        for key in self.store.frames():
            position = self.numbers.position(key)
            if position is not None:
                found[position] = CODES.index(self.store.label(key, self.reviewer.person))
        return bytes(found)

    def agreed(self) -> dict[int, Label]:
        """Return the label of every labelled frame by position, as the table has it."""
        found: dict[int, Label] = {}
        labels = self.store.agreed()
        for key in sorted(
            labels, key=lambda key: key[1] is not None
        ):  # a frame's own label wins over its file's
            found |= dict.fromkeys(self.numbers.positions(key), labels[key])
        return found

    def random_order(self) -> Positions:
        """Return the positions in this session's random order."""
        return at_random(len(self.numbers), self.reviewer.seed)

    def use_model(self, predictor: HitPredictor) -> None:
        """Judge, score and label with another model from now on."""
        card, path = predictor.card, predictor.path
        self.reviewer = replace(self.reviewer, model_file=path, digest=digest(path), threshold=card.threshold)
        self.cache.use(predictor)
        self.scores.restart(FrameScorer(predictor.scorer, card.prepare))

    def order(self, order: Order) -> Positions:
        """Return the positions in an order; that by uncertainty starts scoring the run and uses the scores so far."""
        makers: dict[Order, Callable[[], Positions]] = {
            Order.TIME: lambda: by_time(len(self.numbers)),
            Order.RANDOM: self.random_order,
            Order.UNCERTAIN: self._uncertain,
            Order.DISAGREEMENT: self._disagreement,
        }
        return makers[order]()

    def levels(self) -> bytes:
        """Return the background of each frame as a 32-bit float, NaN if not known yet; start scoring."""
        self.scores.start()
        return self.scores.levels().astype("<f4").tobytes()

    def _uncertain(self) -> Positions:
        self.scores.start()
        return by_uncertainty(self.scores.found(), self.reviewer.threshold)

    def _disagreement(self) -> Positions:
        found = (self.numbers.position(key) for key in self.store.disagreements())
        return only(position for position in found if position is not None)

    def state(self) -> dict[str, Any]:
        """Return counts, people and notices for the page; raise OSError if labels cannot be read."""
        self.store.refresh()
        counts = Counter(self.labels())
        agreements = self.store.agreements()
        return {
            "frames": len(self.numbers),
            "person": self.reviewer.person,
            "model": self.reviewer.model_file.name,
            "table": str(self.store.table),
            "labelled": {label.value: counts[CODES.index(label)] for label in Label},
            "disagreements": len(self._disagreement()),
            "agreements": [[a.first, a.second, a.frames, a.kappa] for a in agreements],
            "scoring": {
                "started": self.scores.started,
                "done": self.scores.done,
                "screened": self.scores.screened,
            },
            "grid": None if self.grid is None else asdict(self.grid),
            "notices": self.notices(),
        }

    def notices(self) -> list[str]:
        """Return problems with the labels and the scoring, a line each."""
        problem = [self.scores.problem] if self.scores.problem else []
        lines = [*self.store.journal.warnings, *self.numbers.without_frame(self.store.frames()), *problem]
        if self.store.journal.unfinished():
            lines.append(f"{self.store.journal.path}: its last line is cut off, so it is ignored.")
        return lines


def now() -> str:
    """Return the time as entries have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
