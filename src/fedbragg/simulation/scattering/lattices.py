"""Powder peaks of nanoparticle lattices: positions relative to the first peak, and multiplicities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product
from math import sqrt

Peaks = tuple[tuple[float, int], ...]  # (position relative to the first, number of equivalent reflections)
_SPAN = range(-6, 7)


def _cubic(allowed: Callable[[int, int, int], bool]) -> Peaks:
    return _from_squares([h * h + k * k + m * m for h, k, m in product(_SPAN, repeat=3) if allowed(h, k, m)])


def _from_squares(squares: Sequence[int]) -> Peaks:
    counted = sorted(Counter(s for s in squares if s).items())
    first = counted[0][0]
    return tuple((sqrt(s / first), number) for s, number in counted if s <= 30 * first)[:24]


BCC = _cubic(lambda h, k, m: (h + k + m) % 2 == 0)
FCC = _cubic(lambda h, k, m: h % 2 == k % 2 == m % 2)
HEXAGONAL = _from_squares([h * h + h * k + k * k for h, k in product(_SPAN, repeat=2)])
LAMELLAR = tuple((float(n), 2) for n in range(1, 15))
LATTICES = {"bcc": BCC, "fcc": FCC, "hexagonal": HEXAGONAL, "lamellar": LAMELLAR}
