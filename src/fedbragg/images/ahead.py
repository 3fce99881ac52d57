"""Work done ahead of its consumer in a fixed number of threads, results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def ahead(
    work: Callable[[Task], Result], tasks: Iterable[Task], workers: int, depth: int
) -> Iterator[Result]:
    """Yield ``work(task)`` for every task in order, with at most ``depth`` results made before they are asked for.

    ``tasks`` is drawn from in the consumer's thread. ``workers`` of 0 works in the consumer's thread alone. When the
    consumer stops early, what has not begun is dropped.
    """
    if workers == 0:
        yield from map(work, tasks)
        return
    pending: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="fedbragg-images")
    try:
        for task in tasks:
            pending.append(pool.submit(work, task))
            if len(pending) >= depth:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
