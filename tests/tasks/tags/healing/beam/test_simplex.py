import numpy as np
import pytest

from fedbragg.tasks.tags.healing.beam.simplex import minimum


def test_the_minimum_of_a_bowl_is_found() -> None:
    found = minimum(lambda p: (p[0] - 3) ** 2 + 10 * (p[1] + 2) ** 2, np.array([0.0, 0.0]), 1.0, 1e-4)
    assert found == pytest.approx([3, -2], abs=1e-3)


def test_a_bent_valley_is_followed() -> None:
    """Rosenbrock's function has its minimum at (1, 1)."""
    found = minimum(lambda p: (1 - p[0]) ** 2 + 5 * (p[1] - p[0] ** 2) ** 2, np.array([-0.5, 0.5]), 0.5, 1e-4)
    assert found == pytest.approx([1, 1], abs=0.02)
