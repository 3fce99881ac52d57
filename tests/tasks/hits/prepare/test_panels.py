"""Panels are prepared as if each were a frame of its own."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.images.counts import panels_of
from fedbragg.tasks.hits.prepare import CONTEXT, Peaks, PrepareSettings, prepare_with_peaks
from fedbragg.tasks.hits.prepare.panels import about_the_beam, in_the_file, lay_out, spread
from fedbragg.types import Frame, Panel, Panels

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
    return set(map(tuple, peaks.places[peaks.significance > least].tolist()))


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


def strengths(peaks: Peaks) -> dict[tuple[int, int], float]:
    return dict(zip(map(tuple, peaks.places.tolist()), peaks.significance.tolist(), strict=True))


@pytest.mark.parametrize("number", [2, 5])
def test_panels_have_the_peaks_of_separate_frames(number: int) -> None:
    counts, panels = stack((3.0,) * number)
    together = prepare_with_peaks(frame(counts, panels), PrepareSettings(least=1.0))[1]
    found = strengths(together)
    alone = {}
    for first, end, _, _ in panels:
        padded = np.zeros((56, 80), np.uint16)
        padded[:50, :75] = counts[first:end]
        mask = np.ones((56, 80), np.bool_)
        mask[:50, :75] = False
        peaks = prepare_with_peaks(Frame(padded, mask, "a.h5", 0), PrepareSettings(least=1.0))[1]
        alone |= {(row + first, col): strength for (row, col), strength in strengths(peaks).items()}
    assert found == alone and len(found) > 3


def test_panels_side_by_side_are_parted_and_found_again() -> None:
    """A geometry may name any rectangles; what belongs to none is masked."""
    panels = ((0, 30, 0, 40), (0, 30, 40, 75), (32, 50, 0, 75))
    layout = lay_out(panels, 8)
    counts = np.arange(50 * 75).reshape(50, 75).astype(np.int32)
    apart, hidden = spread(counts, np.zeros(counts.shape, np.bool_), layout)
    assert sorted(apart[~hidden].tolist()) == sorted(
        [*counts[:30].ravel().tolist(), *counts[32:].ravel().tolist()]
    )
    places = np.argwhere(~hidden)
    row, col = in_the_file(places, layout).T
    np.testing.assert_array_equal(counts[row, col], apart[~hidden])


def placed(corner: tuple[float, float], first_row: int, turned: bool = False) -> Panel:
    """Return a panel of 64 x 96 pixels with its first pixel there; turned by a right angle, or not."""
    fast, slow = ((0.0, 1.0), (-1.0, 0.0)) if turned else ((1.0, 0.0), (0.0, 1.0))
    return Panel("p", (first_row, first_row + 64), (0, 96), corner, fast, slow, 1e-4)


def test_places_on_panels_are_measured_from_the_beam() -> None:
    panels = (placed((-20.0, 30.0), 0), placed((5.0, -7.0), 64, turned=True))
    found = about_the_beam(np.array([[2, 3], [70, 4]]), panels)
    assert found.tolist() == [[32.0, -17.0], [-3.0, -1.0]]  # y and x: 6 rows down is 6 pixels to the left


def test_a_ring_across_panels_is_crowded_where_their_places_are_known() -> None:
    """Two halves of a ring lie on two panels one below the other in the file, but far apart at the detector."""
    counts, panels = stack((2.0, 2.0), 64, 96)
    geometry = (placed((-40.0, 60.0), 0), placed((30.0, -110.0), 64))
    for number, panel in enumerate(geometry):
        row, col = np.mgrid[4:60:1, 4:92:1]
        x, y = panel.position(row + panel.rows[0], col)
        on_ring = np.abs(np.hypot(x, y) - 95) < 0.4
        picked = np.argwhere(on_ring)[::7]
        assert len(picked) > 3, number
        counts[picked[:, 0] + 4 + panel.rows[0], picked[:, 1] + 4] += 60
    shown = [
        Frame(counts, np.zeros(counts.shape, np.bool_), "a.h5", 0, panels=panels, placed=at)
        for at in ((), geometry)
    ]
    unknown, known = (prepare_with_peaks(one, SETTINGS)[0].profiles[:, -len(CONTEXT) :] for one in shown)
    centre, sharp = CONTEXT.index("centre"), CONTEXT.index("all rings of 2")
    assert not unknown[:, centre:].any()
    assert (known[:, centre] == 1).all() and known[0, sharp] > 1
