from pathlib import Path

import numpy as np
import pytest

from fedbragg.simulation.scattering.layouts import LAYOUTS, Layout, any_layout, gap_mask, resized

BY_NAME = {layout.name: layout for layout in LAYOUTS}
MASKS = Path(__file__).parents[4] / "shared" / "data" / "tags" / "masks"


@pytest.mark.parametrize(
    ("name", "share"),
    # of masks that Brookhaven publishes for these detectors; gaps of 17 rows and 7 columns
    [
        ("Pilatus 300K", 0.0549),
        ("Pilatus 300K-W", 0.0095),
        ("Pilatus 1M", 0.0719),
        ("Pilatus 2M", 0.0797),
    ],
)
def test_gaps_cover_the_share_that_the_detectors_masks_show(name: str, share: float) -> None:
    layout = BY_NAME[name]
    gap = gap_mask(layout, max(layout.rows, layout.cols))
    assert gap.shape == (layout.rows, layout.cols)
    assert gap.mean() == pytest.approx(share, abs=2e-4)


@pytest.mark.skipif(not MASKS.is_dir(), reason="no detector masks under ../shared/data/tags/masks")
@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Pilatus 1M", "Pilatus1M_main_gaps.png"),
        ("Pilatus 2M", "Pilatus2M_gaps.png"),
        ("Pilatus 300K", "Pilatus300k_main_gaps.png"),
    ],
)
def test_gaps_lie_where_a_real_mask_has_them(name: str, file: str) -> None:
    from matplotlib.image import imread

    real = imread(MASKS / file)
    real = real[..., 0] if real.ndim == 3 else real
    layout = BY_NAME[name]
    differ = gap_mask(layout, max(layout.rows, layout.cols)) != (real < 0.5)
    assert differ.mean() < 0.005


def test_a_smaller_outline_keeps_its_proportions_and_gaps() -> None:
    full = BY_NAME["Pilatus 1M"]
    small = gap_mask(full, 256)
    assert small.shape == (256, 241)
    assert small.mean() == pytest.approx(gap_mask(full, 1043).mean(), abs=0.015)
    assert resized(full, 256).pixel_size == pytest.approx(172e-6 * 1043 / 256)


def test_a_round_entrance_leaves_the_corners_dark() -> None:
    gap = gap_mask(BY_NAME["MarCCD 165"], 256)
    assert gap.mean() == pytest.approx(1 - np.pi / 4, abs=0.01)
    assert gap[0, 0] and not gap[128, 128]


def test_detectors_that_nobody_sells_have_gaps_of_many_sizes() -> None:
    generator = np.random.default_rng(3)
    shares = [gap_mask(layout, 256).mean() for layout in (any_layout(generator) for _ in range(60))]
    assert min(shares) < 0.01 and max(shares) > 0.15


def test_one_piece_has_no_gap() -> None:
    assert not gap_mask(Layout("one", 300, 200, 1e-4), 150).any()
