"""Cosmic rays: tracks sharper than what a phosphor blurs, and one count a pixel on a photon counter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation import BEAMLINES
from fedbragg.simulation.detector.cosmic_rays import _straight, add_charge, add_cosmic_rays


def test_a_points_charge_is_spread_and_none_is_lost() -> None:
    out = np.zeros((9, 9), np.float32)
    add_charge(np.array([[4.2, 3.9, 7.0]]), 0.4, out)
    assert out.sum() == pytest.approx(7.0, rel=1e-4)
    rows, cols = np.indices(out.shape)
    assert (rows * out).sum() / out.sum() == pytest.approx(4.2, abs=0.02)
    assert (cols * out).sum() / out.sum() == pytest.approx(3.9, abs=0.02)


def test_a_muon_leaves_a_straight_track() -> None:
    generator = np.random.default_rng(3)
    for _ in range(20):
        points = _straight(np.array([50.0, 60.0]), 100.0, generator)[:, :2]
        steps = np.diff(points, axis=0)
        assert np.allclose(steps, steps[0])
        assert np.hypot(*steps[0]) == pytest.approx(0.25)


def test_on_a_ccd_cosmic_rays_are_narrower_than_what_the_phosphor_blurs() -> None:
    """Across a muon's track the charge spreads less than the phosphor's point, whose standard deviation is 0.7."""
    ccd = BEAMLINES["ccd"].detector
    generator, widths = np.random.default_rng(6), []
    for _ in range(40):
        charge = np.zeros((300, 300), np.float32)
        add_charge(_straight(np.array([150.0, 150.0]), 200.0, generator), 0.4, charge)
        rows, cols = np.nonzero(charge)
        spread = np.cov(rows, cols, aweights=charge[rows, cols].astype(float))
        widths.append(np.sqrt(np.linalg.eigvalsh(spread)[0]))
    assert np.median(widths) < ccd.point_spread


def test_a_photon_counter_counts_every_crossed_pixel_once() -> None:
    pilatus = BEAMLINES["pilatus6m"].detector
    counts = np.full((200, 200), 3, np.int32)
    add_cosmic_rays(counts, 50, 300.0, pilatus, np.random.default_rng(1))
    assert set(np.unique(counts).tolist()) == {3, 4}


def test_no_count_exceeds_what_the_detector_can_write() -> None:
    ccd = replace(BEAMLINES["ccd"].detector, saturation=1000)
    counts = np.zeros((100, 100), np.uint16)
    add_cosmic_rays(counts, 100, 1e4, ccd, np.random.default_rng(1))
    assert counts.max() == 1000
