"""Figures: of runs of one frame and of a million, of grid scans, of confusions; always valid, and the same."""

from __future__ import annotations

import io
import re
from base64 import b64decode

import numpy as np
import pytest
from pages import UNSAFE, parsed
from PIL import Image

from fedbragg.metrics.classification import Confusion
from fedbragg.report.figures import (
    bars,
    confusion_matrix,
    curves,
    heat_map,
    hit_rate_over_run,
    quantity_map,
    score_histogram,
)
from fedbragg.screening.summary.rate_curve import RateCurve


@pytest.mark.parametrize(("frames", "reach"), [(1, "2"), (11, "10"), (1_000_000, "1,000,000")])
def test_a_figure_of_a_run_of_any_length_is_small(frames: int, reach: str) -> None:
    curve = RateCurve()
    for index in range(frames):
        curve.add(index % 3 == 0)
    counts = np.zeros(40, np.int64)
    counts[[0, -1]] = frames - frames // 3, frames // 3
    for svg in (score_histogram(counts, 0.3), hit_rate_over_run(curve.points())):
        assert svg.startswith("<svg")
        assert len(svg) < 60_000
    texts = re.findall(r"<!--(.*?)-->", score_histogram(counts, 0.3), re.S)
    assert " threshold 0.3 " in texts
    assert f" {reach} " in texts  # the axis reaches that far


def pixels_of(svg: str) -> np.ndarray:
    """Return the largest picture within a figure, as RGB, its first row on top: SVG has it upside down."""
    pictures = re.findall(r'xlink:href="data:image/png;base64,([^"]+)"', svg)
    image = max((Image.open(io.BytesIO(b64decode(data))) for data in pictures), key=lambda i: i.size[0])
    assert "scale(1 -1)" in svg
    return np.flipud(np.asarray(image.convert("RGB"))).astype(int)


def test_a_grid_is_red_where_kept_blue_where_dropped_and_grey_without_a_score() -> None:
    scores = np.array([[0.9, 0.05], [np.nan, 0.31], [0.29, 1.0]], np.float32)
    image = pixels_of(heat_map(scores, 0.3))
    rows, cols = image.shape[:2]
    seen = np.array(
        [[image[int((r + 0.5) * rows / 3), int((c + 0.5) * cols / 2)] for c in (0, 1)] for r in (0, 1, 2)]
    )
    redder = seen[..., 0] - seen[..., 2]
    assert redder[0, 0] > 60
    assert redder[0, 1] < -60
    assert redder[2, 1] > 20
    assert redder[1, 1] >= 0 >= redder[2, 0]  # either side of the threshold
    assert np.ptp(seen[1, 0]) < 30


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (40, 50)])
def test_any_shape_of_grid_is_drawn(shape: tuple[int, int]) -> None:
    assert heat_map(np.full(shape, 0.4, np.float32), 0.5).startswith("<svg")
    assert quantity_map(np.full(shape, 7, np.float32), "spots").startswith("<svg")


def test_more_of_a_quantity_is_darker_on_the_grid() -> None:
    image = pixels_of(quantity_map(np.array([[1, 2], [3, np.nan]], np.float32), "spots"))
    rows, cols = image.shape[:2]
    light = [image[int(r * rows), int(c * cols)].sum() for r, c in ((0.25, 0.25), (0.25, 0.75), (0.75, 0.25))]
    assert light == sorted(light, reverse=True) and light[0] > light[2] + 150


def test_names_in_figures_are_escaped() -> None:
    for svg in (curves({UNSAFE: [(0, 1), (1, 2)]}, "x", "y"), bars({UNSAFE: (0.5, 0.4, 0.6)}, "x")):
        assert "script" not in parsed(svg).tags


def test_a_confusion_matrix_shows_counts_and_shares() -> None:
    """Text is drawn as glyphs; matplotlib adds each text as a comment."""
    texts = " ".join(re.findall(r"<!--(.*?)-->", confusion_matrix(Confusion(31, 2, 7, 160)), re.S))
    for number in (
        "31",
        "2",
        "7",
        "160",
        "94%",
        "6%",
        "4%",
        "96%",
        "kept",
        "dropped",
        "hit or maybe",
        "miss",
    ):
        assert number in texts


def test_equal_figures_are_equal_text() -> None:
    series = {"a": [(0.0, 1.0), (1.0, 0.5)], "b": [(0.0, 0.9)]}
    assert curves(series, "x", "y") == curves(series, "x", "y")


@pytest.mark.parametrize("series", [{}, {"a": []}, {"a": [(0.0, float("nan"))]}])
def test_a_figure_without_points_is_drawn(series: dict[str, list[tuple[float, float]]]) -> None:
    assert curves(series, "x", "y").startswith("<svg")


def test_figures_without_values_are_drawn() -> None:
    nan = float("nan")
    assert bars({"a": (nan, nan, nan)}, "x").startswith("<svg")
    assert score_histogram(np.zeros(40, np.int64), 0.5).startswith("<svg")
    assert hit_rate_over_run([]).startswith("<svg")
    assert heat_map(np.full((2, 3), np.nan, np.float32), 0.5).startswith("<svg")
