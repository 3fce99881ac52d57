"""Panels are prepared as if each were a frame of its own."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.images.counts import panels_of
from fedbragg.tasks.hits.prepare import PrepareSettings, prepare_with_peaks, spot_places
from fedbragg.tasks.hits.prepare.panels import in_the_file, lay_out, spread
from fedbragg.types import Frame, Panels

SETTINGS = PrepareSettings()


def frame(counts: np.ndarray, panels: Panels = ()) -> Frame:
    return Frame(counts, np.zeros(counts.shape, np.bool_), "a.h5", 0, panels=panels)


def stack(levels: tuple[float, ...], rows: int = 50, cols: int = 75) -> tuple[np.ndarray, Panels]:
    """Return Poisson panels of these levels one below the other; sides are no multiples of a block."""
    generator = np.random.default_rng(3)
    panels = [generator.poisson(level, (rows, cols)).astype(np.uint16) for level in levels]
    return np.concatenate(panels), panels_of((len(levels), rows, cols))


def strong(frame: Frame, least: float = 8) -> set[tuple[int, int]]:
    """Return row and column of the peaks above so many standard deviations."""
    peaks = prepare_with_peaks(frame, SETTINGS)[1]
    return set(map(tuple, peaks.places[:, peaks.significance > least].T.tolist()))


def test_an_edge_between_panels_is_no_row_of_peaks() -> None:
    counts, panels = stack((2, 60, 2))
    assert len(strong(frame(counts))) > 5
    assert strong(frame(counts, panels)) == set()


def test_a_spot_at_a_panels_edge_is_found_where_it_is_in_the_file() -> None:
    counts, panels = stack((2, 60, 2))
    for row, col in (
        (49, 30),
        (100, 74),
        (149, 0),
    ):  # last row, first row and last column, last row and first column
        counts[row, col] += 400
    assert strong(frame(counts, panels)) == {(49, 30), (100, 74), (149, 0)}


@pytest.mark.parametrize("number", [2, 5])
def test_panels_have_the_peaks_of_separate_frames(number: int) -> None:
    counts, panels = stack((3.0,) * number)
    together = prepare_with_peaks(frame(counts, panels), SETTINGS)[1]
    found = {(r, c): s for (r, c), s in zip(places_of(together), values_of(together), strict=True)}
    alone = {}
    for first, end, _, _ in panels:
        padded = np.zeros((56, 80), np.uint16)
        padded[:50, :75] = counts[first:end]
        mask = np.ones((56, 80), np.bool_)
        mask[:50, :75] = False
        peaks = prepare_with_peaks(Frame(padded, mask, "a.h5", 0), SETTINGS)[1]
        alone |= {(r + first, c): s for (r, c), s in zip(places_of(peaks), values_of(peaks), strict=True)}
    assert found == alone and len(found) > 3


def places_of(peaks: object) -> list[tuple[int, int]]:
    everywhere = np.ones(peaks.significance.shape, np.float32)  # type: ignore[attr-defined]
    return list(map(tuple, spot_places(peaks, everywhere).T.tolist()))  # type: ignore[arg-type]


def values_of(peaks: object) -> list[float]:
    return peaks.significance[peaks.places[0] >= 0].tolist()  # type: ignore[attr-defined, no-any-return]


def test_panels_side_by_side_are_parted_and_found_again() -> None:
    """A geometry may name any rectangles; what belongs to none is masked."""
    panels = ((0, 30, 0, 40), (0, 30, 40, 75), (32, 50, 0, 75))
    layout = lay_out(panels, 8)
    counts = np.arange(50 * 75).reshape(50, 75).astype(np.int32)
    apart, hidden = spread(counts, np.zeros(counts.shape, np.bool_), layout)
    assert sorted(apart[~hidden].tolist()) == sorted(
        [*counts[:30].ravel().tolist(), *counts[32:].ravel().tolist()]
    )
    places = np.full((2, layout.shape[0] // 8, layout.shape[1] // 8), -1, np.int32)
    for row, col in zip(*np.nonzero(~hidden), strict=True):
        places[:, row // 8, col // 8] = row, col
    for row, col in in_the_file(places, layout)[:, places[0] >= 0].T:
        there = np.argwhere((apart == counts[row, col]) & ~hidden)[0]
        assert (places[:, there[0] // 8, there[1] // 8] == there).all()
