"""The baselines' preprocessing and networks, against figures of their papers and values worked by hand."""

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter

from baselines.counters import best_threshold, dispersion
from baselines.networks import ke_network
from baselines.pictures import EDGE, contrast_normalised, eight_bit, fedkl_centre, fedkl_random, picture
from fedbragg.types import Frame


def frame(counts: np.ndarray) -> Frame:
    return Frame(counts, counts < 0, "test", 0)


def test_ke_network_has_the_papers_size_and_shape():
    network = ke_network()
    assert sum(parameter.numel() for parameter in network.parameters()) == 7291  # "about 7.3 k"
    assert network(torch.zeros(2, 1, 720, 720)).shape == (2, 3)


def test_picture_halves_an_image_by_its_mean_and_ignores_the_mask():
    counts = np.full((2 * EDGE, 2 * EDGE), 40, np.int32)
    counts[:, EDGE:] = 600
    counts[:900, :900] = -2
    scaled = picture(frame(counts))
    assert scaled.shape == (EDGE, EDGE)
    assert scaled.dtype == np.uint16
    assert np.all(scaled[500:, :470] == 40)
    assert np.all(scaled[:, 490:] == 600)
    assert np.all(scaled[:440, :440] == 0)


def test_contrast_normalisation_agrees_with_scipy():
    image = np.random.default_rng(0).poisson(20, (60, 70)).astype(np.uint16)
    level = (image - image.mean()) / image.std(ddof=1)
    mean = uniform_filter(level, 5, mode="mirror")
    spread = np.sqrt(uniform_filter(level**2, 5, mode="mirror") - mean**2)
    expected = (level - mean) / np.maximum(spread, 1)
    np.testing.assert_allclose(contrast_normalised(image)[0].numpy(), expected, atol=1e-4)


def test_eight_bit_is_not_blinded_by_a_hot_pixel():
    full = np.full((EDGE, EDGE), 10, np.uint16)
    full[:20, :20] = 50  # 400 pixels, a spot field
    full[500, 500] = 65535
    reduced = eight_bit(full)
    assert reduced[0, 0] == 255
    assert reduced[300, 300] == 51
    assert eight_bit(np.zeros((EDGE, EDGE), np.uint16)).max() == 0


def test_fedkl_crop_is_the_central_third():
    full = np.zeros((EDGE, EDGE), np.uint16)
    full[320:640, 320:640] = 7
    assert fedkl_centre(full).shape == (1, 320, 320)
    assert fedkl_centre(full).min() == 1.0
    shifted = fedkl_random(full, np.random.default_rng(1))
    assert 0.75 < shifted.mean() < 1.0


def test_best_threshold_separates():
    counts = np.array([0.0, 3.0, 5.0, 9.0, 40.0])
    assert best_threshold(counts, np.array([False, False, True, True, True])) == 5


@pytest.mark.parametrize("spots", [0, 12])
def test_dispersion_counts_what_is_there(spots):
    generator = np.random.default_rng(3)
    counts = generator.poisson(1.0, (400, 400)).astype(np.int32)
    for number in range(spots):
        row, col = 30 + 60 * (number // 4), 40 + 80 * (number % 4)
        counts[row : row + 3, col : col + 3] += 60
    assert dispersion(frame(counts), (200, 200), 1.0)[0] == spots
