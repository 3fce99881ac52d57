"""FedCompass (Li et al., ICLR 2024, arXiv 2309.14675): sites get as many epochs as let a group of them arrive together.

A free site joins the group of arrivals that leaves it the most epochs between two limits; if none fits, it opens a
group that meets the fastest of another group later. A group is combined once all its updates have arrived. A site's
pace is known from its last training; the first training belongs to no group. The paper's timer for late sites is the
federation's deadline: a site that fails, leaves or is too late is taken out of its group.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import floor

LATE = 1.2
"""A group's latest arrival over its expected one, counted from its start (lambda in the paper)."""
ROUNDING = 1e-9
"""Share of an epoch that may be missing for it to fit."""


@dataclass(slots=True, eq=False)
class Group:
    """Sites that are expected at the same time."""

    expected: float  # seconds on the engine's clock
    latest: float  # seconds
    waiting: list[str] = field(default_factory=list)  # for their updates
    arrived: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Pace:
    """A site's training: when it began, how many epochs it makes, and how long an epoch took last."""

    began: float  # seconds on the engine's clock
    epochs: int
    seconds: float | None = None  # an epoch


class Compass:
    """The groups of arrivals."""

    def __init__(self, fewest: int, most: int) -> None:
        """Give each site at least ``fewest`` and at most ``most`` epochs."""
        self._fewest, self._most = fewest, most
        self._groups: list[Group] = []
        self._paces: dict[str, Pace] = {}

    def epochs(self, site: str, first: int, now: float) -> int:
        """Return the epochs of a site's next training and put it into a group; ``first`` where its pace is unknown."""
        seconds = self._paces[site].seconds if site in self._paces else None
        epochs = first if seconds is None else self._in_a_group(site, seconds, now)
        self._paces[site] = Pace(now, epochs, seconds)
        return epochs

    def arrived(self, site: str, now: float) -> list[str]:
        """Take note of a site's update; return the sites whose updates are to be combined now, the fastest first."""
        pace = self._paces[site]
        pace.seconds = max(now - pace.began, 0.0) / pace.epochs
        group = self._group_of(site)
        if group is None:
            return [site]
        group.waiting.remove(site)
        group.arrived.append(site)
        return self._complete(group)

    def without(self, site: str) -> list[str]:
        """Take a site that trains out of its group; return the sites whose updates are to be combined now."""
        group = self._group_of(site)
        if group is None or site not in group.waiting:
            return []
        group.waiting.remove(site)
        return self._complete(group)

    def waits(self, site: str) -> bool:
        """Return whether a site's update waits for others."""
        group = self._group_of(site)
        return group is not None and site in group.arrived

    def _complete(self, group: Group) -> list[str]:
        if group.waiting:
            return []
        self._groups.remove(group)
        return sorted(group.arrived, key=self._seconds)

    def _in_a_group(self, site: str, seconds: float, now: float) -> int:
        fits = [(self._fit(group.expected - now, seconds), i) for i, group in enumerate(self._groups)]
        fits = [(epochs, i) for epochs, i in fits if self._fewest <= epochs <= self._most]
        if fits:
            epochs, i = max(fits)
            self._groups[i].waiting.append(site)
            return epochs
        epochs = self._epochs_of_a_new_group(seconds, now)
        span = epochs * seconds
        self._groups.append(Group(now + span, now + LATE * span, [site]))
        return epochs

    def _epochs_of_a_new_group(self, seconds: float, now: float) -> int:
        """Return how many epochs let a site arrive with the fastest of another group after that one's next training."""
        meetings = [
            group.latest + self._most * min(self._seconds(site) for site in (*group.waiting, *group.arrived))
            for group in self._groups
            if now < group.latest
        ]
        fits = [e for e in (self._fit(meeting - now, seconds) for meeting in meetings) if e <= self._most]
        return max(max(fits), self._fewest) if fits else self._most

    def _fit(self, span: float, seconds: float) -> int:
        """Return how many epochs of this many seconds fit into a span."""
        return floor(span / seconds + ROUNDING) if seconds > 0 else self._most

    def _seconds(self, site: str) -> float:
        return self._paces[site].seconds or 0.0

    def _group_of(self, site: str) -> Group | None:
        return next((g for g in self._groups if site in g.waiting or site in g.arrived), None)
