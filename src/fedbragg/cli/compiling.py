"""Say so when the first call on a machine compiles, for it takes seconds in which nothing else shows."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

COMPILING = "compiling for this machine, some 15 s once; the next run starts at once"


@contextmanager
def announced_compiling(tell: Callable[[str], None]) -> Iterator[None]:
    """Call ``tell`` with one line when the first of fedbragg's functions is compiled; loaded ones say nothing.

    While it compiles no garbage is collected: the compiler's objects live on, and to look at them time and again takes
    a sixth of its time.
    """
    from numba.core import event

    class Listener(event.Listener):
        announced = False
        depth = 0  # of functions that are compiled for others

        def on_start(self, event: Any) -> None:
            self.depth += 1
            gc.disable()
            if not self.announced and event.data["dispatcher"].py_func.__module__.startswith("fedbragg."):
                self.announced = True
                tell(COMPILING)

        def on_end(self, event: Any) -> None:
            self.depth -= 1
            if self.depth == 0:
                gc.enable()

    with event.install_listener("numba:compile", Listener()):
        yield
