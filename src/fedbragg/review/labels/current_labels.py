"""The labels after all of a journal's entries: each person's label of each frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from fedbragg.review.labels.entry import Answer, Entry, FrameKey
from fedbragg.types import Label


class CurrentLabels:
    """Labels by frame and person; the same entries in the same order give the same labels."""

    def __init__(self) -> None:
        self._given: dict[str, list[FrameKey]] = {}  # by person, in order, those taken back left out
        self._labels: dict[FrameKey, dict[str, list[Answer]]] = {}  # by person, the latest last

    def add(self, entry: Entry) -> None:
        """Take in one entry; taking back what was never given changes nothing."""
        given = self._given.setdefault(entry.person, [])
        labels = self._labels.setdefault(entry.key, {}).setdefault(entry.person, [])
        if entry.label is not None:
            given.append(entry.key)
            labels.append(entry.label)
        elif labels:
            labels.pop()
            del given[len(given) - 1 - given[::-1].index(entry.key)]

    def last(self, person: str, among: Callable[[FrameKey], bool]) -> FrameKey | None:
        """Return the frame that the person labelled last, of those for which ``among`` holds; None if none is left."""
        return next((key for key in reversed(self._given.get(person, [])) if among(key)), None)

    def label(self, key: FrameKey, person: str) -> Answer | None:
        """Return a person's label of a frame."""
        labels = self._labels.get(key, {}).get(person)
        return labels[-1] if labels else None

    def labels(self, key: FrameKey) -> dict[str, Answer]:
        """Return all people's labels of a frame."""
        return {person: labels[-1] for person, labels in self._labels.get(key, {}).items() if labels}

    def frames(self) -> Iterator[FrameKey]:
        """Yield the frames that have a label now."""
        return (key for key in self._labels if self.labels(key))

    def knows(self, key: FrameKey) -> bool:
        """Return whether anyone ever labelled the frame, even if the label was taken back."""
        return key in self._labels

    def people(self) -> list[str]:
        """Return everyone who has a label, in the order of their first."""
        return [person for person, given in self._given.items() if given]


def agreed(labels: Iterable[Answer]) -> Label:
    """Return the one label of a frame that several people labelled: that of more than half of them, else maybe."""
    given = list(labels)
    label, number = Counter(given).most_common(1)[0]
    return label if isinstance(label, Label) and 2 * number > len(given) else Label.MAYBE


def disagree(labels: Iterable[Answer]) -> bool:
    """Return whether people gave a frame different labels."""
    return len(set(labels)) > 1
