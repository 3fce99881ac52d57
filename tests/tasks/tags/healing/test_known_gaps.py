from __future__ import annotations

import numpy as np

from fedbragg.simulation.scattering.layouts import LAYOUTS, gap_mask
from fedbragg.tasks.tags.healing.known_gaps import known_gaps
from fedbragg.types import Frame

PILATUS = next(layout for layout in LAYOUTS if layout.name == "Pilatus 300K")


def pilatus(marked: bool, in_gaps: int = 0) -> Frame:
    """Return a frame of a Pilatus 300K, 619 x 487 with gaps of 17 rows after rows 194 and 406."""
    gap = gap_mask(PILATUS, 619)
    counts = np.random.default_rng(1).poisson(20, (619, 487)).astype(np.int32)
    counts[gap] = in_gaps
    return Frame(counts, gap if marked else np.zeros_like(gap), "a.tif", 0)


def test_unmarked_gaps_of_a_known_detector_are_found() -> None:
    found = known_gaps(pilatus(marked=False))
    assert found[195:212].all()
    assert found[407:424].all()
    assert found.sum() == 2 * 17 * 487


def test_marked_gaps_need_no_search() -> None:
    assert not known_gaps(pilatus(marked=True)).any()


def test_pixels_that_counted_are_no_gap() -> None:
    frame = pilatus(marked=False)
    frame.counts[195:212] = np.random.default_rng(2).poisson(20, (17, 487))
    assert not known_gaps(frame).any()


def test_a_dark_image_shows_no_gaps() -> None:
    frame = pilatus(marked=False)
    assert not known_gaps(Frame(frame.counts * 0, frame.mask, "dark.tif", 0)).any()


def test_another_outline_is_another_detector() -> None:
    counts = np.zeros((100, 100), np.int32)
    assert not known_gaps(Frame(counts, counts > 0, "a.tif", 0)).any()
