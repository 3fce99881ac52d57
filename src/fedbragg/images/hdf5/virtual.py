"""The sources of a virtual dataset, in the order of its frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fedbragg.images.hdf5.virtual_names import from_virtual_name


@dataclass(frozen=True, slots=True)
class VirtualSource:
    """Frames of a virtual dataset that lie in one dataset of one file."""

    file: str  # as the virtual dataset names it; "." is its own file
    name: str  # of the dataset in that file
    start: int  # of the first frame in the virtual dataset
    count: int  # number of frames
    first: int  # of the first frame in the source
    whole: bool  # whether the frames are whole, not parts of larger ones

    @property
    def address(self) -> str:
        """Return file and name, for messages."""
        return f"{self.file}:{self.name}"


def sources_of(dataset: Any) -> list[VirtualSource]:
    """Return the sources of a virtual dataset (frames, rows, cols), sorted by their first frame."""
    sources = [_described(mapping, dataset.shape) for mapping in dataset.virtual_sources()]
    return sorted(sources, key=lambda source: source.start)


def _described(mapping: Any, shape: tuple[int, ...]) -> VirtualSource:
    import h5py

    start, end = mapping.vspace.get_select_bounds()
    everything = mapping.src_space.get_select_type() == h5py.h5s.SEL_ALL
    return VirtualSource(
        file=from_virtual_name(mapping.file_name),
        name=from_virtual_name(mapping.dset_name),
        start=int(start[0]),
        count=min(int(end[0]), int(shape[0]) - 1) - int(start[0]) + 1,
        first=0 if everything else int(mapping.src_space.get_select_bounds()[0][0]),
        whole=not any(start[1:]) and tuple(int(last) + 1 for last in end[1:]) == shape[1:],
    )
