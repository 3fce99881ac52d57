"""Work done ahead of its consumer in a fixed number of threads, results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def ahead(
    work: Callable[[Task], Result], tasks: Iterable[Task | None], workers: int, depth: int
) -> Iterator[Result]:
    """Yield ``work(task)`` for every task in order, with at most ``depth`` results made before they are asked for.

    ``tasks`` is drawn from in the consumer's thread; a task of None says that no other is there at present, so that
    what is ready is not held back. Without workers each task is done when its result is asked for. When the
    consumer stops early, what has not begun is dropped.
    """
    if workers == 0:
        yield from (work(task) for task in tasks if task is not None)
        return
    pending: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="fedbragg-images")
    try:
        for task in tasks:
            if task is not None:
                pending.append(pool.submit(work, task))
            while pending and (task is None or len(pending) >= depth):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
