"""Agreement of two people, beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence


def cohens_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Return Cohen's kappa of two people's labels of the same items: 1 is agreement, 0 is chance.

    (observed - expected) / (1 - expected), where "expected" is the agreement of two people who give their labels with
    the same frequencies but at random. None without items, or where both gave one and the same label throughout.
    """
    number = len(first)
    pairs = list(zip(first, second, strict=True))
    one, other = Counter(first), Counter(second)
    by_chance = sum(count * other[label] for label, count in one.items())  # times number squared
    if by_chance == number**2:
        return None
    observed = sum(a == b for a, b in pairs)
    return (observed * number - by_chance) / (number**2 - by_chance)
