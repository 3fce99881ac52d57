"""The sites of a federation and the state of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fedbragg.federation.rules.weights import Profile
from fedbragg.styles import style_of_record, style_record
from fedbragg.types import State, Update


class Standing(StrEnum):
    """Whether a site takes part at the moment."""

    EXPECTED = "expected"  # not seen yet; awaited until the deadline
    ACTIVE = "active"  # takes part
    RESTING = "resting"  # failed; waits for the next barrier
    GONE = "gone"  # left, or failed too often; returns when it joins again


@dataclass(slots=True, eq=False)
class Member:
    """One site as the coordinator knows it."""

    name: str
    standing: Standing = Standing.EXPECTED
    training: int | None = None  # the version it is training on
    overdue: int | None = None  # the version it was training on when a deadline passed
    failures: int = 0  # in a row
    profile: Profile | None = None  # of its last update that counted
    loss: float = 0.0  # of the same
    length: float = 0.0  # norm of its longest update since the last barrier, or of the last one before
    summed: bool = False  # whether a masked sum has counted an update of it
    chosen: bool = True  # whether it trains for the next barrier
    chance: float = 1.0  # the probability of being chosen
    refused: bool = False  # whether it has refused a model since the last barrier
    style: State = field(default_factory=dict)  # of its last update that counted
    gradient: State = field(default_factory=dict)  # that its last update held
    latest: State | None = None  # its newest model since the last barrier, minus that barrier's model

    @property
    def counted(self) -> bool:
        """Return whether an update of it has ever counted."""
        return self.profile is not None or self.summed

    @property
    def reported(self) -> bool:
        """Return whether it has reported since the last barrier."""
        return self.latest is not None

    @property
    def awaited(self) -> bool:
        """Return whether the next barrier waits for it."""
        return self.chosen and not self.reported and self.standing in (Standing.EXPECTED, Standing.ACTIVE)

    def take(self, update: Update, length: float) -> None:
        """Keep the site's profile and loss from an update that counts; ``length`` is its norm."""
        self.length = max(self.length, length) if self.reported else length
        self.profile = Profile(update.samples, update.label_counts, update.steps)
        self.loss, self.failures, self.training = update.loss, 0, None
        self.style, self.gradient = update.style, update.gradient

    def failed(self, patience: int) -> None:
        """Wait for the next barrier, or count as gone after ``patience`` failures in a row."""
        self.failures += 1
        self.training = None
        self.standing = Standing.GONE if self.failures >= patience else Standing.RESTING

    def joined(self) -> None:
        """Take part, from any earlier state."""
        self.standing, self.failures, self.overdue, self.refused = Standing.ACTIVE, 0, None, False

    def refuse(self) -> None:
        """Wait for the next barrier, because the model is not good enough for this site; that is no failure."""
        self.training, self.refused, self.standing = None, True, Standing.RESTING

    def unexpected(self, version: int) -> str:
        """Return why its update from a version does not count, if it was not to train on that version."""
        late = self.training is not None or version == self.overdue
        return "late: a barrier has passed" if late else "no update is expected from it"

    def too_late(self, patience: int) -> None:
        """Fail at a deadline; a site that was never seen counts as gone at once."""
        never_seen, self.overdue = self.standing is Standing.EXPECTED, self.training
        self.failed(1 if never_seen else patience)

    def record(self) -> dict[str, Any]:
        """Return the part that a checkpoint stores, as JSON."""
        profile = self.profile
        return {
            "gone": self.standing is Standing.GONE,
            "failures": self.failures,
            "samples": profile.samples if profile else None,
            "label_counts": [list(counts) for counts in profile.label_counts] if profile else None,
            "steps": profile.steps if profile else 0,
            "loss": self.loss,
            "length": self.length,
            "style": style_record(self.style),
            "summed": self.summed,
        }


class Roster:
    """The sites in a fixed order; sums over sites use the same order, so they are reproducible."""

    def __init__(self, names: Iterable[str]) -> None:
        self._members = {name: Member(name) for name in names}

    @classmethod
    def restored(cls, record: Mapping[str, Mapping[str, Any]]) -> Roster:
        """Return the sites of a checkpoint; all are expected again except those that were gone."""
        roster = cls(record)
        for name, entry in record.items():
            member = roster[name]
            member.standing = Standing.GONE if entry["gone"] else Standing.EXPECTED
            member.failures, member.loss, member.length = entry["failures"], entry["loss"], entry["length"]
            member.style = style_of_record(entry.get("style", {}))  # earlier versions had none
            member.summed = entry.get("summed", False)
            if entry["samples"] is not None:
                counts = tuple(tuple(question) for question in entry["label_counts"])
                member.profile = Profile(entry["samples"], counts, entry.get("steps", 0))
        return roster

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members.values())

    def __getitem__(self, name: str) -> Member:
        return self._members[name]

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def get(self, name: str) -> Member | None:
        """Return a site, None where there is none of that name."""
        return self._members.get(name)

    def begin_round(self) -> None:
        """Expect new reports of all sites, also of those that rested."""
        for member in self:
            member.latest, member.refused = None, False
            if member.standing is Standing.RESTING:
                member.standing = Standing.ACTIVE

    def add(self, name: str) -> Member:
        """Return a site, adding it where it was not expected."""
        return self._members.setdefault(name, Member(name))

    def with_standing(self, standing: Standing) -> list[Member]:
        """Return the sites with this standing."""
        return [member for member in self if member.standing is standing]

    def expected(self) -> list[Member]:
        """Return the sites that have not been seen yet."""
        return self.with_standing(Standing.EXPECTED)

    def awaited(self) -> list[Member]:
        """Return the sites that the next barrier waits for."""
        return [member for member in self if member.awaited]

    def reported(self) -> list[Member]:
        """Return the sites that have reported since the last barrier."""
        return [member for member in self if member.reported]

    def record(self) -> dict[str, dict[str, Any]]:
        """Return the sites as JSON."""
        return {member.name: member.record() for member in self}
