"""Say so when the first call on a machine compiles, for it takes seconds in which nothing else shows."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fedbragg.first_compilation import at_first_compilation

COMPILING = "compiling for this machine, some 15 s once; the next run starts at once"


@contextmanager
def announced_compiling(tell: Callable[[str], None]) -> Iterator[None]:
    """Call ``tell`` with one line when the first of fedbragg's functions is compiled; loaded ones say nothing."""
    with at_first_compilation(lambda: tell(COMPILING), package="fedbragg."), _no_garbage_collected():
        yield


@contextmanager
def _no_garbage_collected() -> Iterator[None]:
    """Collect no garbage while numba compiles.

    The compiler's objects live on, and to look at them time and again takes a sixth of its time.
    """
    from numba.core import event

    class Listener(event.Listener):
        depth = 0  # of functions that are compiled for others

        def on_start(self, event: Any) -> None:
            self.depth += 1
            gc.disable()

        def on_end(self, event: Any) -> None:
            self.depth -= 1
            if self.depth == 0:
                gc.enable()

    with event.install_listener("numba:compile", Listener()):
        yield
