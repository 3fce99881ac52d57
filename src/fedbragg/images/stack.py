"""Frames in an HDF5 file or in a master and its data files."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any

from fedbragg.errors import FrameError, RunError
from fedbragg.images.layout import find_stacks, open_file
from fedbragg.images.mask import MaskKeeper
from fedbragg.images.nexus import read_mask, read_metadata
from fedbragg.images.source import as_counts
from fedbragg.types import Frame


class HDF5Source:
    """An open HDF5 file; one index runs through all its image datasets in order."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._file = open_file(path)
        except (OSError, RuntimeError) as error:
            raise RunError(f"{path}: {_why(path, error)}") from None
        try:
            self._stacks = find_stacks(self._file, path)
            self._starts = [0, *accumulate(_length(dataset) for _, dataset in self._stacks)]
            metadata = read_metadata(self._file)
            self.geometry, self._trusted = metadata.geometry, metadata.trusted
            self._file_mask = read_mask(self._file, self._frame_shape())
        except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
            self._file.close()
            raise RunError(
                f"{path}: damaged HDF5 file ({_short(error)}). Copy it again from its source."
            ) from None
        except RunError:
            self._file.close()
            raise

    def __len__(self) -> int:
        """Return the number of frames, one for each link that leads nowhere."""
        return self._starts[-1]

    def read(self, index: int, masks: MaskKeeper) -> Frame:
        """Return one frame, or raise FrameError naming file, frame and remedy."""
        position = bisect_right(self._starts, index) - 1
        name, dataset = self._stacks[position]
        if dataset is None:
            raise FrameError(
                self.path,
                index,
                f"its data file {name} is missing or damaged. Put it beside the master file.",
            )
        try:
            pixels = dataset[index - self._starts[position]] if dataset.ndim > 2 else dataset[()]
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise FrameError(
                self.path, index, f"cannot be decoded ({_short(error)}). Copy the file again."
            ) from None
        counts = as_counts(pixels, self.path, index)
        return Frame(counts, masks.mask(counts, self._file_mask, self._trusted), self.path, index)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _frame_shape(self) -> tuple[int, int]:
        """Return (rows, cols) of a frame, panels one below the other."""
        for _, dataset in self._stacks:
            if dataset is not None:
                *panels, rows, cols = dataset.shape[-3:] if dataset.ndim == 4 else dataset.shape[-2:]
                return (panels[0] if panels else 1) * rows, cols
        return 0, 0


def _length(dataset: Any) -> int:
    """Return the frames in a dataset; one that is missing counts as one, so that it is reported."""
    if dataset is None or dataset.ndim == 2:
        return 1
    return int(dataset.shape[0])


def _why(path: str, error: Exception) -> str:
    if isinstance(error, PermissionError) or "Permission denied" in str(error):
        return "no permission to read it. Ask its owner, or change its access rights."
    if "truncated" in str(error):
        return "HDF5 file cut short. Copy it again, or wait until its writer is done."
    return f"no readable HDF5 file ({_short(error)}). Check that the extension is right, or copy it again."


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
