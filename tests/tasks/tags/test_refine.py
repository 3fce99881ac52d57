import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lit_rings import lit

from fedbragg.tasks.tags.beam import normals
from fedbragg.tasks.tags.refine import refined

CELL = 2 / 128


def about(views: torch.Tensor, guess: tuple[float, float]) -> list[float]:
    return refined(normals(views), torch.tensor([guess]))[0].tolist()


@settings(deadline=None, max_examples=30)
@given(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.floats(-0.06, 0.06), st.floats(-0.06, 0.06))
def test_a_guess_four_cells_off_comes_within_half_a_cell(
    x: float, y: float, right: float, down: float
) -> None:
    assert about(lit((x, y), radius=0.4), (x + right, y + down)) == pytest.approx((x, y), abs=CELL / 2)


def test_spots_and_gaps_do_not_draw_the_beam_away() -> None:
    views = lit((0.1, -0.2), radius=0.5)
    for row, col in ((20, 30), (21, 90), (100, 50), (70, 110), (50, 20)):
        views[0, 0, row : row + 3, col : col + 3] = 3.0
    views[:, :, :, 70:74] = 0
    assert about(views, (0.13, -0.17)) == pytest.approx((0.1, -0.2), abs=CELL)


@pytest.mark.parametrize("value", [0.0, 0.7])
def test_where_no_line_is_the_guess_stays(value: float) -> None:
    views = torch.zeros(1, 3, 128, 128)
    views[:, :2] = value
    assert about(views, (0.3, -1.4)) == pytest.approx((0.3, -1.4), abs=1e-3)


def test_along_parallel_lines_the_guess_stays() -> None:
    """Light that changes by column alone has gradient lines along rows, which fix the beam's row in no way."""
    views = torch.ones(1, 3, 128, 128)
    views[:, 0] = torch.linspace(0, 3, 128)
    column, _ = about(views, (0.2, 0.1))
    assert column == pytest.approx(0.2, abs=1e-3)
