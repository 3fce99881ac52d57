"""Memory of decoded frames, reused when the last array that uses it is gone."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray


class BufferPool:
    """Give uninitialised arrays; keep the memory of up to ``spare`` released arrays for the next.

    The kernel takes longer to provide new memory than a 4k frame takes to decode. A frame stays valid as long as it,
    or any view of it, exists; a consumer that keeps every frame gets new memory for each. Safe to call from several
    threads.
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
                memory = self._spare.pop()  # the latest is still in the processor's cache
            except IndexError:  # another thread took the last one
                break
            if memory.size == size:
                return memory
        return np.empty(size, np.uint8)


class _Lease:
    """The base that NumPy keeps alive for an array and all its views; when it is deleted the memory is spare again."""

    __slots__ = ("__array_interface__", "_memory", "_spare")

    def __init__(self, memory: NDArray[np.uint8], spare: deque[NDArray[np.uint8]]) -> None:
        self._memory = memory
        self._spare = spare
        self.__array_interface__ = memory.__array_interface__

    def __del__(self) -> None:
        self._spare.append(self._memory)
