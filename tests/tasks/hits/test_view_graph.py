"""Model files of format 1, whose graphs measure peaks themselves, still open and score as they did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedbragg.tasks import hits
from fedbragg.tasks.hits.model_file import Scorer
from fedbragg.tasks.hits.prepare import CONTEXT, PROFILE
from fedbragg.tasks.hits.prepare.reach import MIDDLE, WINDOW
from fedbragg.tasks.hits.view_graph import _run, spread_out, windows
from fedbragg.types import View

FORMAT_1 = Path(__file__).with_name("files") / "format_1.onnx"
"""The packaged model as it was before graphs took measures: the same weights."""


def view_of(cells: list[tuple[int, int]], shape: tuple[int, int] = (60, 70)) -> View:
    generator = np.random.default_rng(1)
    channels = generator.gamma(1.0, 1.0, (4, *shape)).astype(np.float32)
    channels[3] = generator.random(shape) < 0.1
    profiles = generator.uniform(0, 0.3, (len(cells), len(PROFILE) + len(CONTEXT))).astype(np.float32)
    background = np.ones(shape, np.float32)
    return View(channels, background, np.array(cells, np.int64).reshape(-1, 2), profiles, 8)


CELLS = {
    "inside": [(20, 30), (24, 33), (40, 10)],
    "at the edges": [(0, 0), (59, 69), (0, 35), (3, 66)],
    "one": [(30, 30)],
}


@pytest.mark.parametrize("where", CELLS)
def test_a_score_of_windows_is_that_of_the_frame(where: str) -> None:
    view, scorer = view_of(CELLS[where]), Scorer(FORMAT_1)
    score, spot_map = scorer.raw(view)
    whole, whole_map = _run(scorer._session, view.channels, view.cells, view.profiles)
    assert score == float(whole)
    np.testing.assert_array_equal(spot_map, whole_map)
    assert np.count_nonzero(spot_map) == len(view.cells)


def test_many_peaks_and_none_are_scored_in_the_frame() -> None:
    scorer = Scorer(FORMAT_1)
    for cells in ([], [(row, col) for row in range(0, 60, 5) for col in range(0, 70, 5)]):
        view = view_of(cells)
        score, spot_map = scorer.raw(view)
        assert 0 <= score <= 1 and spot_map.shape == (60, 70)


def test_windows_hold_the_surroundings_and_masked_cells_beyond_the_frame() -> None:
    view = view_of([(0, 5), (30, 30)])
    channels, cells = windows(view)
    assert channels.shape == (4, 2 * WINDOW, WINDOW) and cells.tolist() == [[4, 4], [13, 4]]
    np.testing.assert_array_equal(channels[:, 9:], view.channels[:, 26:35, 26:35])
    np.testing.assert_array_equal(channels[:, 4:9], view.channels[:, 0:5, 1:10])
    assert (channels[3, :4] == 1).all() and not channels[:3, :4].any()
    found = np.zeros((2 * WINDOW, WINDOW), np.float32)
    found[MIDDLE, MIDDLE], found[WINDOW + MIDDLE, MIDDLE] = 0.25, 0.75
    spot_map = spread_out(found, view)
    assert spot_map[0, 5] == 0.25 and spot_map[30, 30] == 0.75 and spot_map.sum() == 1.0


@pytest.mark.parametrize("number", [0, 3, 400])
def test_a_graph_of_measures_with_the_same_weights_gives_the_same_answer(number: int) -> None:
    generator = np.random.default_rng(number)
    view = view_of(sorted({tuple(cell) for cell in generator.integers(0, 60, (number, 2)).tolist()}))
    without = np.ones((60, 70), np.bool_)
    without[view.cells[:, 0], view.cells[:, 1]] = False
    view.channels[:3, without] = 0  # cells without a peak have no wings and no rim
    (before, map_before), (now, map_now) = (
        Scorer(path).raw(view) for path in (FORMAT_1, hits.default_model())
    )
    assert now == pytest.approx(before, abs=1e-6)
    np.testing.assert_allclose(map_now, map_before, atol=1e-6)
