"""One person's session at the page that asks for ticks: look at examples, answer, take back."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedbragg.errors import InputError
from fedbragg.models.onnx_file import digest
from fedbragg.review.frames.frame_cache import ScaledFrame
from fedbragg.review.frames.frame_numbers import FrameNumbers
from fedbragg.review.frames.picture import scale_of
from fedbragg.review.labelling_session import now
from fedbragg.review.labels.entry import Entry
from fedbragg.review.labels.label_store import LabelStore
from fedbragg.review.ticks.tick_table import TickTable
from fedbragg.tasks.checklist import Checklist, Curve
from fedbragg.types import Frame

KEPT = 4
"""Number of examples kept in memory."""


@dataclass(frozen=True, slots=True)
class TickReviewer:
    """The person who answers, the table of answers, and the model."""

    person: str
    table: Path
    model_file: Path


class TickSession:
    """Examples and answers of one person; safe to call from several threads."""

    def __init__(self, checklist: Checklist, reviewer: TickReviewer) -> None:
        """Open the table; raise LabelError where it would be lost, OSError."""
        if not reviewer.person.strip() or not reviewer.person.isprintable():
            raise InputError(f"--person {reviewer.person!r}: give a name, such as ada.")
        self.checklist, self.reviewer = checklist, reviewer
        self.numbers = FrameNumbers(checklist.files, reviewer.table.parent)
        self.store = LabelStore(reviewer.table, TickTable(checklist.columns, checklist.names))
        self.store.open(now())
        self._digest = digest(reviewer.model_file)
        self._lock = threading.Lock()
        self._shown: OrderedDict[int, ScaledFrame | Curve] = OrderedDict()

    def show(self, position: int) -> ScaledFrame | Curve:
        """Return an example as it is drawn; raise InputError where it cannot be read."""
        with self._lock:
            if position not in self._shown:
                found = self.checklist.show(position)
                scaled = (
                    ScaledFrame(found, scale_of(found), (position,)) if isinstance(found, Frame) else found
                )
                self._shown[position] = scaled
                while len(self._shown) > KEPT:
                    self._shown.popitem(last=False)
            return self._shown[position]

    def answer_of(self, position: int) -> list[str] | None:
        """Return this person's ticks of an example; None where there is no answer."""
        found = self.store.label(self.numbers.key(position), self.reviewer.person)
        return list(found) if isinstance(found, tuple) else None

    def give(self, position: int, ticks: Sequence[str]) -> str:
        """Answer, and return a warning, empty in most cases.

        Raises InputError for unknown answers or an unreadable example, OSError where the answer cannot be written.
        """
        unknown = set(ticks) - set(self.checklist.names)
        if unknown:
            raise InputError(f"{sorted(unknown)[0]!r} is not an answer here.")
        self.show(position)
        path, frame = self.numbers.key(position)
        chosen = tuple(name for name in self.checklist.names if name in ticks)
        return self.store.give(Entry(path, frame, chosen, self.reviewer.person, now(), self._digest)).warning

    def probabilities(self, position: int) -> list[float]:
        """Return the model's probability of each answer; raise InputError where the example cannot be read."""
        return [round(float(one), 3) for one in self.checklist.probabilities(position)]

    def take_back(self) -> dict[str, Any]:
        """Take back this person's latest answer of these files; raise OSError where that cannot be written."""
        taken = self.store.take_back(
            self.reviewer.person, now(), lambda key: self.numbers.position(key) is not None
        )
        if taken is None:
            return {"position": None, "warning": ""}
        return {"position": self.numbers.position(taken.entry.key), "warning": taken.warning}

    def state(self) -> dict[str, Any]:
        """Return examples, answers, people and problems; raise OSError where the journal cannot be read."""
        self.store.refresh()
        given = [self.answer_of(position) for position in range(len(self.numbers))]
        agreements = self.store.agreements()
        return {
            "names": list(self.checklist.names),
            "person": self.reviewer.person,
            "table": str(self.reviewer.table),
            "model": self.reviewer.model_file.name,
            "answers": given,
            "agreements": [[a.first, a.second, a.frames, a.kappa] for a in agreements],
            "notices": self.notices(),
        }

    def notices(self) -> list[str]:
        """Return problems with the answers on the disk, a line each."""
        return [*self.store.journal.warnings, *self.numbers.without_frame(self.store.frames())]
