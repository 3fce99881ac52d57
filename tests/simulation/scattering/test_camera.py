import numpy as np
import pytest

from fedbragg.simulation.scattering.camera import Camera, offsets


def test_the_first_ring_of_silver_behenate_lies_where_braggs_law_puts_it(camera: Camera) -> None:
    # lambda = 2 d sin(theta): theta = 0.0119337, tan(2 theta) x 0.594 m / 75 um = 189.06 pixels
    assert camera.radius(2 * np.pi / 58.38) == pytest.approx(189.06, abs=0.05)


def test_momentum_transfer_and_radius_undo_each_other(camera: Camera) -> None:
    radii = np.array([1.0, 50.0, 180.0])
    assert [camera.radius(float(q)) for q in camera.q(radii)] == pytest.approx(radii.tolist())


def test_a_momentum_transfer_past_ninety_degrees_is_nowhere(camera: Camera) -> None:
    assert camera.radius(4 * np.pi / camera.wavelength) == float("inf")


def test_a_beam_past_the_last_column_is_off_the_detector(camera: Camera) -> None:
    beside = Camera(256, 256, 75e-6, 0.594, 1.39, (256.0, 100.0))
    assert camera.beam_inside and not beside.beam_inside


def test_offsets_are_zero_on_the_beams_pixel() -> None:
    x, y = offsets(Camera(4, 6, 1e-4, 1.0, 1.0, (2.0, 3.0)))
    assert x.shape == (4, 6)
    assert (x[3, 2], y[3, 2], x[0, 5], y[0, 5]) == (0, 0, 3, -3)


def test_the_farthest_corner_is_reached() -> None:
    assert Camera(30, 40, 1e-4, 1.0, 1.0, (0.0, 0.0)).reach == 50.0
