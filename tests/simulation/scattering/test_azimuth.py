import numpy as np
import pytest

from fedbragg.simulation.scattering.azimuth import ANGLES, elliptic, grainy, symmetric, variation


@pytest.mark.parametrize("fold", [2, 4, 6, 12])
def test_lobes_repeat_and_keep_the_mean(fold: int) -> None:
    factor = symmetric(fold, 0.6, 0.3)
    turned = symmetric(fold, 0.6, 0.3 + 2 * np.pi / fold)
    assert factor[:-1].mean() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(factor, turned, atol=1e-4)


def test_a_lobe_stands_out_as_the_ring_function_says() -> None:
    # at the lobe (1 - eta^2) / (1 - eta)^2, between lobes (1 - eta^2) / (1 + eta)^2: ratio ((1 + eta) / (1 - eta))^2
    factor = symmetric(2, 0.5, 0.0)
    assert factor.max() / factor.min() == pytest.approx(9.0, rel=1e-3)
    assert abs(ANGLES[np.argmax(factor)]) in (pytest.approx(0, abs=0.01), pytest.approx(np.pi, abs=0.01))


def test_few_grains_are_fine_structure_and_many_are_none() -> None:
    few = variation(grainy(30, 0.01, 0.5, np.random.default_rng(1)))
    many = variation(grainy(100_000, 0.01, 0.5, np.random.default_rng(1)))
    assert few[1] > 1 and many[1] < 0.1


def test_lobes_are_smooth_structure() -> None:
    smooth, fine = variation(symmetric(2, 0.4, 1.0))
    assert smooth > 0.3 and fine < 0.01


def test_an_ellipse_stretches_along_its_direction_alone() -> None:
    stretch = elliptic(0.25, 0.0)
    along, across = stretch[np.argmin(abs(ANGLES))], stretch[np.argmin(abs(ANGLES - np.pi / 2))]
    assert along == pytest.approx(0.25) and across == pytest.approx(1.0)
