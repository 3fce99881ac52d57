"""An integrating detector blurs, amplifies and adds noise."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.simulation.detector.readout import integrate


def test_a_ccd_keeps_the_photons_and_correlates_the_noise() -> None:
    """Point spread moves photons without adding or losing any; read noise alone has its own variance."""
    photons = np.random.default_rng(2).poisson(50, (500, 500)).astype(np.int32)
    kernel = np.array([0.25, 0.5, 0.25], np.float32)
    counts = np.empty(photons.shape, np.int32)
    integrate(photons, kernel, (4.0, 100.0, 0.0, 65535.0), np.uint64(3), counts)
    inside = counts[1:-1, 1:-1]
    assert inside.mean() == pytest.approx(100 + 4 * 50, rel=2e-3)
    # variance: gain^2 * mean * (1/4^2 + 1/2^2 + 1/4^2)^2, and 1/12 for whole counts
    assert inside.var() == pytest.approx(16 * 50 * 0.375**2 + 1 / 12, rel=0.03)
    integrate(np.zeros_like(photons), kernel, (4.0, 100.0, 6.0, 65535.0), np.uint64(4), counts)
    assert counts.mean() == pytest.approx(100, abs=0.06)
    assert counts.var() == pytest.approx(36 + 1 / 12, rel=0.02)
