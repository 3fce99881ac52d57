"""A map over threads whose results come in order, with a bound on how many wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item | None], workers: int, depth: int
) -> Iterator[Result]:
    """Yield ``function(item)`` of every item in order, computed by ``workers`` threads.

    At most ``depth`` results are computed before they are asked for. ``items`` is iterated in the caller's thread;
    None means that no item has come yet, and the results computed so far are yielded without waiting for ``depth``.
    With no workers each result is computed in the caller's thread when it is asked for. When the caller stops early,
    calls that have not begun are cancelled.
    """
    if workers == 0:
        yield from (function(item) for item in items if item is not None)
        return
    pending: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="fedbragg-map")
    try:
        for item in items:
            if item is not None:
                pending.append(pool.submit(function, item))
            while pending and (item is None or len(pending) >= depth):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
