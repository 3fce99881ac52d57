"""Do something when numba first compiles a function; where all are in its cache, nothing is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def at_first_compilation(act: Callable[[], object], package: str = "") -> Iterator[None]:
    """Call ``act`` when the first function of a package is compiled during the block; by default of any."""
    from numba.core import event

    class Listener(event.Listener):
        acted = False

        def on_start(self, event: Any) -> None:
            if not self.acted and event.data["dispatcher"].py_func.__module__.startswith(package):
                self.acted = True
                act()

        def on_end(self, event: Any) -> None:
            pass

    with event.install_listener("numba:compile", Listener()):
        yield
