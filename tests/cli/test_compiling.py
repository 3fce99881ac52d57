"""A first screening says that it compiles; a function that is compiled already says nothing."""

from __future__ import annotations

from numba import njit

from fedbragg.cli.compiling import COMPILING, announced_compiling
from fedbragg.tasks.hits.prepare.peaks import deviance


def test_compiling_is_said_once() -> None:
    fresh, told = njit(deviance.py_func), list[str]()  # type: ignore[attr-defined]
    with announced_compiling(told.append):
        fresh(3.0, 2.0)
        fresh(3, 2)  # another combination of types
    assert told == [COMPILING]
    with announced_compiling(told.append):
        fresh(4.0, 2.0)
    assert told == [COMPILING]


def test_compiling_of_others_is_not_ours() -> None:
    told = list[str]()
    with announced_compiling(told.append):
        njit(lambda x: x + 1)(1)
    assert told == []
