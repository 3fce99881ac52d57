"""The input from a pattern does not depend on unit, sampling or wavelength, and keeps its lines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedbragg.errors import ConfigError, InputError
from fedbragg.tasks.phases.prepare import PatternSettings, excess_and_noise, prepare_pattern
from fedbragg.types import Pattern

SETTINGS = PatternSettings()


def pattern(step: float = 0.002, low: float = 0.8, high: float = 5.0, noise: float = 1.0) -> Pattern:
    q = np.arange(low, high, step)
    generator = np.random.default_rng(1)
    hump = 300 * np.exp(-(((q - 2.0) / 0.5) ** 2)) + 100
    lines = sum(200 * np.exp(-(((q - place) / 0.015) ** 2)) for place in (1.26, 2.07, 3.3))
    return Pattern(q, hump + lines + noise * generator.normal(size=len(q)), "made")


def test_three_lines_exceed_the_background_at_their_positions() -> None:
    view = prepare_pattern(pattern(), SETTINGS)
    assert view.shape == (3, SETTINGS.points)
    far = np.sinh(4 * view[0])  # back to standard deviations
    for place in (1.26, 2.07, 3.3):
        near = np.abs(SETTINGS.grid - place) < 0.02
        assert far[near].max() > 60
        assert SETTINGS.grid[near][np.argmax(far[near])] == pytest.approx(place, abs=0.003)
    away = np.min([np.abs(SETTINGS.grid - place) for place in (1.26, 2.07, 3.3)], axis=0) > 0.1
    assert np.abs(np.median(far[away])) < 1.5
    assert np.quantile(far[away], 0.99) < 8


def test_a_broad_hump_leaves_no_excess() -> None:
    q = np.linspace(0.8, 5, 2000)
    noisy = 300 * np.exp(-(((q - 2.0) / 0.5) ** 2)) + 100 + np.random.default_rng(0).normal(size=2000)
    excess, noise = excess_and_noise(noisy, q[1] - q[0])
    assert np.quantile(excess / noise, 0.995) < 7


@settings(max_examples=20, deadline=None)
@given(gain=st.sampled_from([1e-200, 1e-3, 1.0, 7.0, 1e5, 1e250]), offset=st.floats(-1e3, 1e3))
def test_unit_and_offset_do_not_matter(gain: float, offset: float) -> None:
    made = pattern()
    other = Pattern(made.q, gain * (made.intensity + offset), "made")
    np.testing.assert_allclose(prepare_pattern(other, SETTINGS), prepare_pattern(made, SETTINGS), atol=2e-3)


def test_the_sampling_step_hardly_changes_the_input() -> None:
    fine, coarse = (prepare_pattern(pattern(step, noise=0.0), SETTINGS) for step in (0.0005, 0.004))
    assert np.abs(fine[1] - coarse[1]).max() < 0.06


def test_the_part_that_was_not_measured_is_marked() -> None:
    view = prepare_pattern(pattern(low=0.8, high=4.0), SETTINGS)
    outside = SETTINGS.grid > 4.0
    assert (view[2, outside] == 0).all()
    assert (view[:2, outside] == 0).all()
    assert (view[2, SETTINGS.grid < 3.99] == 1).all()


def test_a_pattern_outside_the_grid_is_refused_with_both_ranges() -> None:
    with pytest.raises(
        InputError, match=r"made: covers q = 0\.30 to 2\.00 .*\(0\.92 to 4\.80\).*--wavelength"
    ):
        prepare_pattern(pattern(low=0.3, high=2.0), SETTINGS)


def test_a_frame_of_zeros_gives_an_empty_view() -> None:
    q = np.linspace(0.8, 5, 500)
    view = prepare_pattern(Pattern(q, np.zeros(500), "made"), SETTINGS)
    assert (view[:2] == 0).all()


@pytest.mark.parametrize("wrong", [{"q_low": 0.0}, {"q_high": 0.5}, {"points": 10}])
def test_an_impossible_grid_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="pattern grid"):
        PatternSettings(**wrong)  # type: ignore[arg-type]


def test_settings_survive_the_model_file() -> None:
    assert PatternSettings.from_metadata(SETTINGS.as_metadata()) == SETTINGS
