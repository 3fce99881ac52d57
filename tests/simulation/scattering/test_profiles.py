import numpy as np
import pytest

from fedbragg.simulation.scattering import profiles


def test_equal_spheres_scatter_nothing_where_tan_x_is_x() -> None:
    # Rayleigh 1914: the form factor of a sphere vanishes at q R = 4.4934
    q = np.array([0.0001, 4.4934 / 100])
    bright, dark = profiles.sphere(q, 100.0, 0.0)
    assert bright == pytest.approx(1.0, abs=1e-3)
    assert dark < 1e-9


def test_unequal_spheres_fill_the_minimum() -> None:
    q = np.array([4.4934 / 100])
    assert profiles.sphere(q, 100.0, 0.15)[0] > 1e-4


def test_a_hard_sphere_fluid_is_as_compressible_as_percus_and_yevick_say() -> None:
    # S(0) = (1 - phi)^4 / (1 + 2 phi)^2; phi = 0.3 gives 0.2401 / 2.56
    limit = profiles.hard_sphere_fluid(np.array([1e-6]), 50.0, 0.3)[0]
    assert limit == pytest.approx(0.09379, rel=0.02)


def test_a_hard_sphere_fluid_orders_near_its_diameter() -> None:
    q = np.linspace(0.001, 0.2, 4000)
    structure = profiles.hard_sphere_fluid(q, 50.0, 0.45)
    peak = q[np.argmax(structure)]
    assert peak * 2 * 50.0 == pytest.approx(6.9, abs=0.3)  # q D of the first maximum at dense packing
    assert structure[-1] == pytest.approx(1.0, abs=0.1)


def test_guiniers_law_holds_at_small_angles() -> None:
    q = np.array([1e-3, 2e-3])
    logs = np.log(profiles.guinier_porod(q, 30.0, 4.0))
    slope = (logs[1] - logs[0]) / (q[1] ** 2 - q[0] ** 2)
    assert slope == pytest.approx(-(30.0**2) / 3)


@pytest.mark.parametrize(
    ("curve", "exponent"),
    [
        (lambda q: profiles.power_law(q, -3.5, 1e-4), -3.5),
        (lambda q: profiles.ornstein_zernike(q, 1e5), -2.0),
        (lambda q: profiles.debye_bueche(q, 1e5), -4.0),
        (lambda q: profiles.guinier_porod(q, 1e4, 2.7), -2.7),
    ],
)
def test_each_diffuse_law_ends_in_its_power(curve, exponent: float) -> None:  # type: ignore[no-untyped-def]
    q = np.array([0.1, 0.2])
    first, second = np.log(curve(q))
    assert (second - first) / np.log(2) == pytest.approx(exponent, abs=0.01)


def test_guinier_meets_porod_without_a_step() -> None:
    join = np.sqrt(1.5 * 4.0) / 30.0
    below, above = profiles.guinier_porod(np.array([join * (1 - 1e-6), join * (1 + 1e-6)]), 30.0, 4.0)
    assert below == pytest.approx(above, rel=1e-4)
