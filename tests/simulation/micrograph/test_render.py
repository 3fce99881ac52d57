"""Pictures show what their style says: levels, boundaries, particles, gaps in etching, marks and light."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fedbragg.simulation.micrograph.fields import blurred, smooth_noise, warped
from fedbragg.simulation.micrograph.marks import add_marks
from fedbragg.simulation.micrograph.micrograph import simulate_micrograph
from fedbragg.simulation.micrograph.render import render
from fedbragg.simulation.micrograph.structure import BOUNDARY, MATRIX, PRECIPITATE, Structure
from fedbragg.simulation.micrograph.style import Camera, Etching, Marks, Particle, Style, draw_style

CLEAN = Style(
    Etching(matrix=0.5, shading=0.0, tint=0.0, contrast=-0.3, width=1.0, unetched=0.0, reach=20.0),
    Particle(contrast=0.2, rim=0.0, rim_width=1.0, relief=0.0, light=0.0),
    Marks(0.0, 0.1, 0.0, 0.0, 0.0, -0.3, 1.5),
    Camera(0.0, 0.0, 0.0, 0.0, 5.0, 0.0, 1.0),
)


def halves() -> Structure:
    """Return two grains side by side, and a square particle in the left one."""
    grains = np.zeros((128, 128), np.int32)
    grains[:, 64:] = 1
    particles = np.zeros((128, 128), np.int32)
    particles[50:70, 20:40] = 1
    return Structure(grains, particles)


def pictured(style: Style, structure: Structure | None = None, seed: int = 1) -> np.ndarray:
    return render(structure or halves(), style, np.random.default_rng(seed)).astype(float) / 255


def test_classes_of_a_structure() -> None:
    classes = halves().classes
    assert (classes[10, 62:67] == [MATRIX, BOUNDARY, BOUNDARY, MATRIX, MATRIX]).all()
    assert (classes[10, [0, 127]] == BOUNDARY).all()  # the edges wrap around
    assert classes[60, 30] == PRECIPITATE


def test_matrix_boundary_and_particle_have_their_levels() -> None:
    picture = pictured(CLEAN)
    assert picture[10, 30, 0] == pytest.approx(0.5, abs=0.01)
    assert picture[10, 63:65, 0].max() < 0.5 - 0.15
    ground = picture[50:70, 22:38].mean()
    assert ground == pytest.approx(0.5 + 0.2, abs=0.03)
    assert (picture[..., 0] == picture[..., 2]).all()  # no tint, no colour


def test_a_bright_boundary_is_bright() -> None:
    bright = replace(CLEAN, etching=replace(CLEAN.etching, contrast=0.3))
    assert pictured(bright)[10, 63:65, 0].min() > 0.5 + 0.15


def test_grains_are_shaded_and_tinted() -> None:
    shaded = pictured(replace(CLEAN, etching=replace(CLEAN.etching, shading=0.1)))
    assert abs(shaded[10, 30, 0] - shaded[10, 100, 0]) > 0.01
    tinted = pictured(replace(CLEAN, etching=replace(CLEAN.etching, tint=0.1)))
    assert np.ptp(tinted[10, 30]) > 0.01


def test_incomplete_etching_hides_a_share_of_the_boundaries() -> None:
    style = replace(CLEAN, etching=replace(CLEAN.etching, unetched=0.4, reach=4.0))
    dark = pictured(style)[:, 63:65, 0].min(axis=1) < 0.5 - 0.05
    assert 0.3 < dark.mean() < 0.85


def test_light_falls_off_to_the_corners() -> None:
    dimmed = pictured(replace(CLEAN, camera=replace(CLEAN.camera, vignetting=0.3)))
    assert dimmed[1, 3, 0] == pytest.approx(0.5 * (1 - 0.3), abs=0.03)


def test_noise_has_its_deviation() -> None:
    noisy = pictured(replace(CLEAN, camera=replace(CLEAN.camera, noise=0.05)))
    assert noisy[80:120, 80:120, 0].std() == pytest.approx(0.05, rel=0.1)


def test_relief_lights_one_side_and_shadows_the_other() -> None:
    picture = pictured(replace(CLEAN, particle=replace(CLEAN.particle, contrast=0.0, relief=0.1)))[..., 0]
    left, right = picture[60, 17:23], picture[60, 37:43]
    assert left.max() > 0.53 and right.min() < 0.47


def test_streaks_run_within_grains_and_differ_between_them() -> None:
    style = replace(CLEAN, etching=replace(CLEAN.etching, contrast=0.0, streaks=0.08))
    pictures = np.array([pictured(style, seed=seed)[..., 0] for seed in range(12)])
    spreads = pictures[:, 80:120, 4:60].std(axis=(1, 2))
    assert (spreads < 0.005).any()  # half of the grains have none
    assert 0.02 < spreads.max() < 0.2
    bare = replace(style, etching=replace(style.etching, streaks=0.0))
    assert pictured(bare)[80:120, :, 0].std() < 0.005


@pytest.mark.parametrize("what", ["scratches", "polishing", "pits"])
def test_marks_are_left_where_asked(what: str) -> None:
    marks = replace(CLEAN.marks, **{what: {"scratches": 20.0, "polishing": 0.05, "pits": 100.0}[what]})
    surface = add_marks(np.zeros((256, 256), np.float32), marks, np.random.default_rng(3))
    assert surface.std() > 0.005
    none = add_marks(np.zeros((256, 256), np.float32), CLEAN.marks, np.random.default_rng(3))
    assert not none.any()


def test_a_pit_has_its_depth() -> None:
    marks = replace(CLEAN.marks, pits=4.0, pit_contrast=-0.3)
    surface = add_marks(np.zeros((512, 512), np.float32), marks, np.random.default_rng(5))
    assert -0.31 < surface.min() < -0.08


def test_a_blur_keeps_the_mean_and_has_its_width() -> None:
    point = np.zeros((64, 64), np.float32)
    point[32, 32] = 1.0
    soft = blurred(point, 2.0)
    assert soft.sum() == pytest.approx(1.0, rel=1e-4)
    assert soft[32, 32] == pytest.approx(1 / (2 * np.pi * 4), rel=0.01)


def test_smooth_noise_is_standard_and_smooth() -> None:
    noise = smooth_noise((128, 128), 5.0, np.random.default_rng(1))
    assert noise.mean() == pytest.approx(0, abs=1e-5) and noise.std() == pytest.approx(1, rel=1e-4)
    assert np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1] > 0.95


@pytest.mark.parametrize("kind", ["grains", "precipitates"])
def test_equal_seeds_give_equal_micrographs_whatever_the_style(kind: str) -> None:
    for seed in range(4):
        first, second = (
            simulate_micrograph(
                kind, (64, 96), draw_style(np.random.default_rng(seed)), np.random.default_rng(seed)
            )  # type: ignore[arg-type]
            for _ in range(2)
        )
        np.testing.assert_array_equal(first.picture, second.picture)
        assert first.picture.shape == (64, 96, 3) and first.picture.dtype == np.uint8
        assert first.structure.classes.shape == (64, 96)


def test_warping_moves_pixels_by_about_the_reach_and_makes_no_new_ones() -> None:
    columns = np.tile(np.arange(256, dtype=np.int32), (256, 1))
    moved = warped(columns, 2.0, 6.0, np.random.default_rng(1))
    aside = (moved - columns + 128) % 256 - 128
    assert aside.std() == pytest.approx(2.0, rel=0.1)
    assert np.isin(moved, columns).all()
    np.testing.assert_array_equal(warped(columns, 0.0, 6.0, np.random.default_rng(1)), columns)
