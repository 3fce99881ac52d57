"""What a style holds, and that it makes pictures look alike without saying what they show."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.errors import FederationError
from fedbragg.simulation.micrograph.micrograph import simulate_micrograph
from fedbragg.simulation.micrograph.style import draw_style
from fedbragg.tasks.segments.prepare import prepare
from fedbragg.tasks.segments.style import (
    LOWEST,
    Kind,
    Style,
    mean_style,
    restyled,
    style_from,
    style_of_picture,
    style_tensors,
)

KINDS: tuple[Kind, ...] = ("statistics", "spectrum")


def picture(seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    made = simulate_micrograph("grains", (256, 256), draw_style(generator), generator)
    return prepare(made.picture), made.structure.classes


def test_statistics_are_mean_and_deviation_of_each_class() -> None:
    shown = np.zeros((3, 32, 32), np.float32)
    labels = np.zeros((32, 32), np.uint8)
    labels[:, 16:] = 1
    shown[:, :, 16:] = 0.5
    shown[0, ::2, 16:] += 0.2
    values = style_of_picture(shown, labels, 3).values
    np.testing.assert_allclose(values[0], 0, atol=1e-6)
    np.testing.assert_allclose(values[1, 0], [0.6, 0.1], atol=1e-6)
    np.testing.assert_allclose(values[1, 1], [0.5, 0.0], atol=1e-6)
    assert np.isnan(values[2]).all()
    np.testing.assert_allclose(values[3, 1], [0.25, 0.25], atol=1e-6)


def test_a_restyled_picture_has_the_other_style() -> None:
    first, labels = picture(1)
    second, others = picture(2)
    own, other = style_of_picture(first, labels, 2), style_of_picture(second, others, 2)
    made = style_of_picture(restyled(first, labels, own, other), labels, 2).values
    np.testing.assert_allclose(made[0, :, 0], other.values[0, :, 0], atol=0.1)
    np.testing.assert_allclose(made[1, :, 0], other.values[1, :, 0], atol=0.4)
    assert (
        np.abs(made[1, :, 0] - other.values[1, :, 0]).mean()
        < np.abs(own.values[1, :, 0] - other.values[1, :, 0]).mean()
    )


def test_dark_boundaries_become_bright_ones() -> None:
    labels = picture(1)[1]
    dark = np.zeros((3, 3, 2), np.float32)
    dark[:, :, 1] = 0.1
    bright = dark.copy()
    dark[1, :, 0], bright[1, :, 0] = -1.0, 1.0
    made = restyled(
        np.where(labels == 1, -1.0, 0.0)[None].repeat(3, 0).astype(np.float32),
        labels,
        Style("statistics", dark),
        Style("statistics", bright),
    )
    assert made[:, labels == 1].mean() > 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_ones_own_style_changes_little(kind: Kind) -> None:
    shown, labels = picture(3)
    own = style_of_picture(shown, labels, 2, kind)
    made = restyled(shown, labels, own, own)
    assert np.abs(made - shown).mean() < (1e-3 if kind == "spectrum" else 0.05)


def test_a_spectrum_keeps_the_phases() -> None:
    first, labels = picture(4)
    second, _ = picture(5)
    other = style_of_picture(second, labels, 2, "spectrum")
    made = restyled(first, labels, other, other)
    before, after = np.fft.rfft2(first[0]), np.fft.rfft2(made[0])
    np.testing.assert_allclose(np.abs(after[1, 1]) / 256**2, other.values[0, LOWEST + 1, 1], rtol=1e-3)
    assert np.cos(np.angle(after[2, 3]) - np.angle(before[2, 3])) == pytest.approx(1.0, abs=1e-3)


def test_the_mean_leaves_out_what_a_picture_lacks() -> None:
    one, two = np.zeros((3, 3, 2), np.float32), np.ones((3, 3, 2), np.float32)
    one[1] = np.nan
    mean = mean_style([Style("statistics", one), Style("statistics", two)]).values
    np.testing.assert_allclose(mean[:, 0, 0], [0.5, 1.0, 0.5])


@pytest.mark.parametrize("kind", KINDS)
def test_a_style_travels_unchanged(kind: Kind) -> None:
    shown, labels = picture(6)
    own = style_of_picture(shown, labels, 2, kind)
    back = style_from(style_tensors(own), 2)
    assert back.kind == kind
    np.testing.assert_array_equal(back.values, own.values)


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"picture": np.zeros((3, 64, 64), np.float32)},
        {"statistics": np.zeros((3, 64, 64), np.float32)},
        {"spectrum": np.zeros((3, 256, 129), np.float32)},
        {"statistics": np.zeros((3, 3, 2), np.float64)},
        {"statistics": np.zeros((3, 3, 2), np.float32), "picture": np.zeros(9, np.float32)},
    ],
)
def test_what_is_no_style_is_refused(tensors: dict[str, np.ndarray]) -> None:
    with pytest.raises(FederationError, match="not one known style"):
        style_from(tensors, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_style_says_nothing_of_where_boundaries_are(kind: Kind) -> None:
    """An attacker draws the most likely picture of a style and looks for its boundaries, as in an image.

    From the style, the correlation with the true boundaries is that of a picture of other grains; from the image it is
    clear. The attack on a spectrum sets all phases to zero; that on statistics has only numbers of each class.
    """
    shown, labels = picture(7)
    style = style_of_picture(shown, labels, 2, kind)
    blank = np.random.default_rng(8).normal(0, 0.3, shown.shape).astype(np.float32)
    other_labels = picture(9)[1]
    drawn = restyled(blank, other_labels, style_of_picture(blank, other_labels, 2, kind), style)

    def agreement(guess: np.ndarray) -> float:
        gradient = np.hypot(*np.gradient(guess.mean(axis=0)))
        return float(np.corrcoef(gradient.ravel(), (labels == 1).ravel())[0, 1])

    assert abs(agreement(drawn)) < 0.05
    assert agreement(shown) > 0.15
