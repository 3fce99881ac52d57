"""Compile what the first screening on a machine needs in two processes.

numba compiles in one thread at a time. So this process compiles what decodes and reduces a frame, and another one
meanwhile what comes after, into numba's cache on the disk, from which this one then loads it.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import FrameError
from fedbragg.first_compilation import at_first_compilation
from fedbragg.processes import die_with_parent

if TYPE_CHECKING:
    from fedbragg.types import Frame, Run

EDGE = 256
"""Pixels along the edge of the frame that is made to be prepared."""
CELL = 8
"""Pixels along the edge of its blocks."""


def compile_ahead(run: Run) -> None:
    """Compile what screening this run needs, where it is not compiled yet; else this takes the time of two frames."""
    compilers: list[subprocess.Popen[bytes]] = []
    with suppress(FrameError):  # an unreadable frame is reported in its turn
        first = run[0]
        kind, centre_known = first.counts.dtype, first.beam_centre is not None
        try:
            with at_first_compilation(
                lambda: compilers.append(_start_compiler(kind, centre_known=centre_known))
            ):
                _reduce_nothing(kind)
            if compilers and len(run) > 1:
                _ = run[1]  # is reduced while it is decoded, now that the mask is known
            for compiler in compilers:
                compiler.wait()
        finally:
            for compiler in compilers:
                compiler.kill()


def _start_compiler(kind: np.dtype[Any], *, centre_known: bool) -> subprocess.Popen[bytes]:
    # What goes wrong there only leaves more to compile here.
    command = [sys.executable, "-m", __name__, kind.str, str(int(centre_known))]
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing)


def _reduce_nothing(kind: np.dtype[Any]) -> None:
    """Reduce an empty frame of this type of counts."""
    from fedbragg.read_only import read_only
    from fedbragg.tasks.hits.prepare.mask_blocks import blocks_of_mask
    from fedbragg.tasks.hits.prepare.pixels import block_sums

    counts = np.zeros((3 * CELL, 3 * CELL), kind)
    block_sums(read_only(counts), blocks_of_mask(np.zeros(counts.shape, np.bool_), CELL))


def compile_later_steps(kind: np.dtype[Any], *, centre_known: bool) -> None:
    """Compile, for this type of counts, all that is done with a frame when it is reduced to blocks.

    ``centre_known`` says whether the file gives the beam centre; else what estimates it is compiled too.
    """
    from fedbragg.screening.background import background_level
    from fedbragg.tasks.hits.prepare import prepare
    from fedbragg.tasks.hits.surroundings import measures_of

    frame = replace(_reduced_frame(kind), beam_centre=(EDGE / 2, EDGE / 2) if centre_known else None)
    measures_of(prepare(frame))
    background_level(frame)


def _reduced_frame(kind: np.dtype[Any]) -> Frame:
    """Return a frame with round light, spots and a gap, and with its blocks, so that nothing reduces it."""
    from fedbragg.tasks.hits.prepare.decoded_blocks import DecodedBlocks
    from fedbragg.tasks.hits.prepare.level_sample import GROUPS
    from fedbragg.tasks.hits.prepare.mask_blocks import blocks_of_mask
    from fedbragg.tasks.hits.prepare.pixels import RowsOfBlocks
    from fedbragg.types import Frame

    counts, mask = _frame(kind)
    masked = blocks_of_mask(mask, CELL)
    rows = RowsOfBlocks.of(counts.dtype, masked)
    seen = np.where(mask, 0, counts).reshape(EDGE // CELL, CELL, EDGE // CELL, CELL)
    rows.result[0][:], rows.result[1][:] = seen.sum(axis=(1, 3)), seen.max(axis=(1, 3))
    # Every block is sampled, for there are few. A photon counter's variance would be its mean.
    rows.noise[0][:], rows.noise[1][:] = 1 + 2 * rows.result[0].ravel() / CELL**2, 0.1
    reduced = DecodedBlocks(rows.blocks(masked), np.zeros(GROUPS), counts, mask)
    return Frame(counts, mask, "made", 0, reduced=reduced)


def _frame(kind: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    rows, cols = np.indices((EDGE, EDGE))
    light = 60 * np.exp(-np.hypot(rows - EDGE / 2, cols - EDGE / 2) / 60)
    counts, mask = light.astype(kind), np.zeros(light.shape, np.bool_)
    counts[20::40, 20::40] += np.asarray(180, kind)
    mask[:, 100:104] = True
    return counts, mask


if __name__ == "__main__":
    import gc

    die_with_parent()
    gc.disable()  # as in `announced_compiling`
    compile_later_steps(np.dtype(sys.argv[1]), centre_known=sys.argv[2] == "1")
