"""Memory of decoded frames, used again when the last array that looks at it is gone."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray


class BufferPool:
    """Hand out uninitialised arrays; keep the memory of up to ``spare`` released ones for the next.

    Fresh memory costs the kernel more time than a 4k frame takes to decode. A frame stays valid as long as its
    consumer, or any view it took, holds it; a consumer that keeps every frame gets fresh memory every time. Safe to
    call from several threads.
    """

    def __init__(self, spare: int) -> None:
        self._spare: deque[NDArray[np.uint8]] = deque(maxlen=spare)

    def take(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return an array of arbitrary content."""
        size = shape[0] * shape[1] * dtype.itemsize
        return np.asarray(_Lease(self._memory(size), self._spare)).view(dtype).reshape(shape)

    def _memory(self, size: int) -> NDArray[np.uint8]:
        for _ in range(len(self._spare)):
            try:
                memory = self._spare.pop()  # the one last used is still in the processor's cache
            except IndexError:  # another thread took the last
                break
            if memory.size == size:
                return memory
        return np.empty(size, np.uint8)


class _Lease:
    """What NumPy keeps alive for an array and all its views; its end returns the memory to the pool."""

    __slots__ = ("__array_interface__", "_memory", "_spare")

    def __init__(self, memory: NDArray[np.uint8], spare: deque[NDArray[np.uint8]]) -> None:
        self._memory = memory
        self._spare = spare
        self.__array_interface__ = memory.__array_interface__

    def __del__(self) -> None:
        self._spare.append(self._memory)
