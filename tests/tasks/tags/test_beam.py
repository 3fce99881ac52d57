import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lit_rings import lit

from fedbragg.tasks.tags.beam import PARTS, VOTES, gradient_lines, meeting_point, normals

UNSURE = torch.zeros(1, VOTES, PARTS, PARTS)


def lines_only() -> torch.Tensor:
    """Votes that trust all lines alike and no place."""
    votes = UNSURE.clone()
    votes[:, 2] = -20
    return votes


def where(views: torch.Tensor, votes: torch.Tensor) -> list[float]:
    return meeting_point(votes, gradient_lines(normals(views)))[0].tolist()


@pytest.mark.parametrize("beam", [(0.0, 0.0), (0.4, -0.3), (-0.8, 0.7), (-1.3, 0.4)])
def test_lines_meet_at_the_middle_of_a_ring_also_outside_the_picture(beam: tuple[float, float]) -> None:
    radius = 0.5 if max(map(abs, beam)) < 1 else 1.2
    assert where(lit(beam, radius=radius), lines_only()) == pytest.approx(beam, abs=0.06)


@settings(deadline=None, max_examples=30)
@given(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4), st.integers(0, 40), st.integers(96, 128))
def test_gaps_hardly_move_the_meeting_point(column: float, row: float, low: int, high: int) -> None:
    views = lit((column, row))
    views[:, :, :, :low] = 0
    views[:, :, high:, :] = 0
    views[:, :, 62:66] = 0
    assert where(views, lines_only()) == pytest.approx((column, row), abs=0.12)


def test_places_alone_are_their_weighed_mean() -> None:
    votes = UNSURE.clone()
    votes[:, 3] = -20  # no line
    votes[:, 2] = -20
    votes[0, 2, 3, 12] = 20  # the part in row 3, column 12
    votes[0, :2, 3, 12] = torch.tensor([0.05, -0.02])  # points beside its middle
    middle = (torch.tensor([12.0, 3.0]) + 0.5) * 2 / PARTS - 1
    expected = (middle + torch.tensor([0.05, -0.02])).tolist()
    assert where(lit((0.0, 0.0)), votes) == pytest.approx(expected, abs=0.01)


def test_nothing_measured_gives_the_middle() -> None:
    votes = UNSURE.clone()
    votes[:, 2] = -20
    assert where(torch.zeros(1, 3, 128, 128), votes) == pytest.approx((0.0, 0.0), abs=1e-3)
