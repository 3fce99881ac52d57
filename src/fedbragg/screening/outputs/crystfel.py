"""A kept frame as a line of CrystFEL's list of events, which indexamajig reads."""

from __future__ import annotations

from fedbragg.images.hdf5.source import HDF5
from fedbragg.images.registry import extension_of
from fedbragg.types import Verdict


def event_line(verdict: Verdict) -> str:
    """Return ``file.h5 //3``, ``file.h5 data_000002//3`` of several stacks, or the file alone of one image.

    A frame of an HDF5 file that could not be opened has no event; its index in the file stands for it.
    """
    event = verdict.event
    if not event and extension_of(verdict.path) in HDF5.extensions:
        event = f"//{verdict.index}"
    return f"{verdict.path} {event}" if event else verdict.path
