import numpy as np
import pytest

from fedbragg.simulation.scattering.azimuth import (
    ANGLES,
    FINEST,
    elliptic,
    finer_steps,
    grainy,
    repeated,
    symmetric,
    variation,
)


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


@pytest.mark.parametrize("finer", [1, 8])
def test_grains_vary_as_campbells_theorem_says(finer: int) -> None:
    # N grains of volume v and Gaussian width w: CV^2 = <v^2> / <v>^2 sqrt(pi) / (N w), with <v^2> / <v>^2 = exp(s^2)
    grains, width, spread = 3000, 0.01, 0.5
    expected = np.sqrt(np.exp(spread**2) * np.sqrt(np.pi) / (grains * width))
    factors = [grainy(grains, width, spread, np.random.default_rng(seed), finer) for seed in range(8)]
    assert all(len(factor) == 1440 * finer + 1 for factor in factors)
    assert np.mean([factor[:-1].std() for factor in factors]) == pytest.approx(expected, rel=0.03)
    smooth, fine = variation(factors[0])
    assert np.hypot(smooth, fine) == pytest.approx(factors[0][:-1].std(), rel=1e-3)


@pytest.mark.parametrize(("radius", "finer"), [(10, 1), (229, 1), (230, 2), (1000, 5), (1e5, FINEST)])
def test_no_step_is_longer_than_a_pixel(radius: float, finer: int) -> None:
    assert finer_steps(radius) == finer


def test_a_factor_in_finer_steps_is_the_same_at_every_angle() -> None:
    factor = symmetric(6, 0.5, 0.2)
    fine = repeated(factor, 4)
    assert len(fine) == 5761 and fine[-1] == factor[-1]
    np.testing.assert_array_equal(fine[:-1].reshape(1440, 4), np.repeat(factor[:-1, None], 4, axis=1))


def test_lobes_are_smooth_structure() -> None:
    smooth, fine = variation(symmetric(2, 0.4, 1.0))
    assert smooth > 0.3 and fine < 0.01


def test_an_ellipse_stretches_along_its_direction_alone() -> None:
    stretch = elliptic(0.25, 0.0)
    along, across = stretch[np.argmin(abs(ANGLES))], stretch[np.argmin(abs(ANGLES - np.pi / 2))]
    assert along == pytest.approx(0.25) and across == pytest.approx(1.0)
