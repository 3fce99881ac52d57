"""An open file of a run, and the cache that the files of a run share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.mask import MaskCache
from fedbragg.images.packed_frame import Reduce
from fedbragg.types import Frame, Geometry


@dataclass(frozen=True, slots=True)
class RunCache:
    """Shared by the files of one run: masks that repeat, the memory of released frames, and how they are read."""

    masks: MaskCache = field(default_factory=MaskCache)
    pool: BufferPool = field(default_factory=lambda: BufferPool(spare=4))
    panels: bool = False  # the images of a file, HDF5 left out, are the panels of one frame
    reduce: Reduce | None = None  # reduces frames while they are decoded, where the format allows it


class Source(Protocol):
    """An open file; several threads may call ``read`` at once."""

    @property
    def path(self) -> str:
        """Return the file as the user can open it."""
        ...

    @property
    def geometry(self) -> Geometry:
        """Return where the detector stood, as far as the file records it."""
        ...

    def __len__(self) -> int:
        """Return the number of frames in the file."""
        ...

    def read(self, index: int) -> Frame:
        """Return one frame, or raise FrameError."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


OpenSource = Callable[[str, RunCache], Source]
"""Opens the file at a path, or raises RunError."""
