import math

import pytest
import torch
from lit_rings import lit

from fedbragg.tasks.tags.unroll import CLOSEST, COVERAGE, HARMONICS, MEAN, RADII, PolarView


def read(views: torch.Tensor, beam: tuple[float, float]) -> torch.Tensor:
    return PolarView()(views, torch.tensor([beam]))[0][0]


def radii(beam: tuple[float, float]) -> torch.Tensor:
    """Radii in halves of the view, equidistant in their logarithm, from the view's nearest point to its farthest."""
    outside = [max(abs(b) - 1, 0) for b in beam]
    first, last = max(math.hypot(*outside), CLOSEST), math.hypot(abs(beam[0]) + 1, abs(beam[1]) + 1)
    return first * (last / first) ** ((torch.arange(RADII) + 0.5) / RADII)


@pytest.mark.parametrize("beam", [(0.0, 0.0), (0.3, -0.2), (-1.2, 0.0)])
def test_a_ring_is_one_peak_along_the_radius(beam: tuple[float, float]) -> None:
    mean = read(lit(beam), beam)[MEAN]
    assert radii(beam)[int(mean.argmax())] == pytest.approx(0.5, abs=0.03)


def test_a_larger_picture_of_the_same_rings_is_a_shift_along_the_radius() -> None:
    small = read(lit((0.0, 0.0), radius=0.25) + lit((0.0, 0.0), radius=0.5), (0.0, 0.0))[MEAN]
    large = read(lit((0.0, 0.0), radius=0.5) + lit((0.0, 0.0), radius=1.0), (0.0, 0.0))[MEAN]
    grid = torch.log(radii((0.0, 0.0)))
    shift = round(math.log(2) / float(grid[1] - grid[0]))
    peaks = [int(part.argmax()) for part in (small[:95], large[:110])]
    assert peaks[1] - peaks[0] == pytest.approx(shift, abs=2)


def test_a_smooth_ring_has_no_harmonics_and_lobes_have_theirs() -> None:
    at = int(read(lit((0.0, 0.0)), (0.0, 0.0))[MEAN].argmax())
    smooth = read(lit((0.0, 0.0)), (0.0, 0.0))[4 : 4 + HARMONICS, at]
    lobed = read(lit((0.0, 0.0), lobes=4), (0.0, 0.0))[4 : 4 + HARMONICS, at]
    assert smooth.max() < 0.02
    assert int(lobed.argmax()) == 3  # the fourth harmonic
    assert lobed[3] == pytest.approx(0.4 * float(read(lit((0.0, 0.0)), (0.0, 0.0))[MEAN, at]), rel=0.1)


def test_rotation_changes_nothing_along_the_radius() -> None:
    one = read(lit((0.0, 0.0), lobes=2), (0.0, 0.0))
    other = read(lit((0.0, 0.0), lobes=2, turned=0.7), (0.0, 0.0))
    inside = radii((0.0, 0.0)) < 0.95
    torch.testing.assert_close(one[:, inside], other[:, inside], atol=0.02, rtol=0.05)


def test_gaps_change_the_coverage_and_little_else() -> None:
    whole = lit((0.0, 0.0))
    gapped = whole.clone()
    gapped[:, :, :, 55:73] = 0
    before, after = read(whole, (0.0, 0.0)), read(gapped, (0.0, 0.0))
    inside = (radii((0.0, 0.0)) > 0.3) & (radii((0.0, 0.0)) < 0.95)
    torch.testing.assert_close(before[MEAN, inside], after[MEAN, inside], atol=0.03, rtol=0.06)
    assert after[4 : 4 + HARMONICS, inside].max() < 0.04
    assert (after[COVERAGE, inside] < before[COVERAGE, inside] - 0.05).all()
