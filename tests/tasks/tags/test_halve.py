import numpy as np
import pytest
import torch

from fedbragg.tasks.tags.halve import halved
from fedbragg.tasks.tags.prepare import prepare
from fedbragg.types import Frame


def test_a_halved_view_is_the_view_of_cells_twice_as_long() -> None:
    generator = np.random.default_rng(1)
    counts = generator.poisson(generator.gamma(1, 20, (512, 512))).astype(np.int32)
    mask = generator.random((512, 512)) < 0.3
    view = torch.from_numpy(prepare(Frame(counts, mask, "", 0)).channels)
    valid = np.where(mask, 0, counts).reshape(128, 4, 128, 4).sum(axis=(1, 3))
    number = (~mask).reshape(128, 4, 128, 4).sum(axis=(1, 3))
    light, coverage, _, _ = halved(view[None])[0].numpy()
    np.testing.assert_allclose(light, np.log1p(valid / number / 0.02) / 5, rtol=1e-4)
    np.testing.assert_allclose(coverage, number / 16, rtol=1e-6)


def test_the_largest_spread_and_graininess_of_four_cells_count() -> None:
    views = torch.zeros(1, 4, 256, 256)
    views[0, 2, 10, 21], views[0, 3, 11, 20] = 0.25, 0.5
    assert halved(views)[0, 2:, 5, 10].tolist() == [0.25, 0.5]


def test_what_was_not_measured_stays_without_light() -> None:
    assert halved(torch.zeros(1, 4, 256, 256)).abs().max() == pytest.approx(0)
