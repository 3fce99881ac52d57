"""Something is done at the first compilation, once, and never for a function that is compiled already."""

from __future__ import annotations

from numba import njit

from fedbragg.first_compilation import at_first_compilation


def test_only_the_first_compilation_counts() -> None:
    fresh, acted = njit(lambda x: x + 1), list[int]()
    with at_first_compilation(lambda: acted.append(1)):
        fresh(1)
        fresh(1.0)
    assert acted == [1]
    with at_first_compilation(lambda: acted.append(2)):
        fresh(2)
    assert acted == [1]
