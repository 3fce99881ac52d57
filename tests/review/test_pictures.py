"""What the browser gets to draw: codes of counts, exact counts, rings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedbragg.images.open import open_files
from fedbragg.review.frames.geometry_answer import geometry_answer
from fedbragg.review.frames.judgement import judge
from fedbragg.review.frames.picture import exact_counts, picture_of, scale_of, whole
from fedbragg.review.frames.reduction import MASKED, SATURATED, VALID, Region, reduce_region
from fedbragg.review.frames.rings import beam_place, ice_rings, panels_in, ring
from fedbragg.screening.resolution import inverse_spacings
from fedbragg.tasks import hits
from fedbragg.types import Frame, Geometry, Panel

GEOMETRY = Geometry(wavelength=1.0, distance=0.1, beam_centre=(150.0, 120.0), pixel_size=(1e-4, 1e-4))
SHAPE = (256, 300)


def frame_of(counts: np.ndarray, mask: np.ndarray | None = None, saturation: float | None = None) -> Frame:
    masked = np.zeros(counts.shape, bool) if mask is None else mask
    return Frame(counts, masked, "made.npy", 0, saturation=saturation)


def block_of(array: np.ndarray, region: Region, row: int, col: int) -> np.ndarray:
    part = array[region.top : region.top + region.rows, region.left : region.left + region.cols]
    step = region.step
    return part[row * step : (row + 1) * step, col * step : (col + 1) * step]


def by_hand(frame: Frame, region: Region) -> tuple[np.ndarray, np.ndarray]:
    """The reduction, block by block, as its docstring says it."""
    rows, cols = -(-region.rows // region.step), -(-region.cols // region.step)
    highest, state = np.zeros((rows, cols)), np.full((rows, cols), MASKED)
    for row in range(rows):
        for col in range(cols):
            counts, mask = (block_of(array, region, row, col) for array in (frame.counts, frame.mask))
            over = (
                mask
                & (counts > (np.inf if frame.saturation is None else frame.saturation))
                & (counts < 65535)
            )
            if over.any():
                highest[row, col], state[row, col] = counts[over].max(), SATURATED
            elif not mask.all():
                highest[row, col], state[row, col] = counts[~mask].max(), VALID
    return highest, state


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    region=st.builds(
        Region,
        st.integers(0, 30),
        st.integers(0, 30),
        st.integers(1, 40),
        st.integers(1, 40),
        st.integers(1, 7),
    ),
)
def test_each_block_is_its_highest_valid_count(seed: int, region: Region) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 60, (33, 37)).astype(np.uint16)
    counts[rng.random(counts.shape) < 0.02] = 65535
    frame = frame_of(counts, (rng.random(counts.shape) < 0.3) | (counts > 50), saturation=50)
    found = reduce_region(frame, region)
    highest, state = by_hand(frame, found.region)
    np.testing.assert_array_equal(found.state, state)
    np.testing.assert_array_equal(found.highest, highest)


@pytest.mark.parametrize(
    ("highest", "dtype", "bits"),
    [(253, np.uint16, 8), (254, np.uint16, 16), (65533, np.int32, 16), (3, np.uint8, 8)],
)
def test_every_count_has_its_own_code_where_16_bits_are_enough(highest: int, dtype: type, bits: int) -> None:
    counts = np.zeros((40, 50), dtype)
    counts[7, 9] = highest
    frame = frame_of(counts)
    scale = scale_of(frame)
    assert (scale.bits, scale.offset, scale.gain) == (bits, 0, 1)
    picture = picture_of(reduce_region(frame, whole(counts.shape, 1000)), scale)
    assert picture.codes[7, 9] == highest
    assert picture.codes[0, 0] == 0


def test_counts_of_many_bits_keep_the_background_apart_from_one_hot_pixel() -> None:
    counts = np.random.default_rng(1).poisson(200_000, (100, 100)).astype(np.uint32)
    counts[3, 3] = 2**31
    frame = frame_of(counts)
    scale = scale_of(frame)
    codes = picture_of(reduce_region(frame, whole(counts.shape, 1000)), scale).codes.astype(float)
    known = np.ones(counts.shape, bool)
    known[3, 3] = False
    back = scale.offset + scale.gain * codes
    np.testing.assert_allclose(
        back[known], np.minimum(counts[known], scale.gain * scale.top), atol=scale.gain
    )
    assert codes[3, 3] == scale.top


def test_noise_below_zero_and_fractions_have_codes() -> None:
    noise = np.random.default_rng(1).normal(0, 5, (80, 80)).astype(np.float32)
    frame = frame_of(noise)
    scale = scale_of(frame)
    codes = picture_of(reduce_region(frame, whole(noise.shape, 1000)), scale).codes
    assert np.corrcoef(codes.ravel(), noise.ravel())[0, 1] > 0.9999


def test_masked_and_saturated_pixels_have_the_two_highest_codes(run: Path) -> None:
    frame = open_files(run)[0]
    scale = scale_of(frame)
    codes = picture_of(reduce_region(frame, whole(frame.counts.shape, 1000)), scale).codes
    assert codes[30, 40] == scale.top + 1
    assert (codes[:, 100:104] == scale.top + 2).all()
    assert (codes > scale.top).sum() == 1 + 4 * SHAPE[0]


def test_exact_counts_are_those_of_the_file_and_end_at_its_edge(run: Path) -> None:
    frame = open_files(run)[0]
    region, content = exact_counts(frame, Region(-20, 90, 60, 500, 1))
    assert (region.top, region.left, region.rows, region.cols) == (0, 90, 40, 210)
    counts = np.frombuffer(content[: 8 * 40 * 210], "<f8").reshape(40, 210)
    states = np.frombuffer(content[8 * 40 * 210 :], np.uint8).reshape(40, 210)
    np.testing.assert_array_equal(counts, frame.counts[:40, 90:])
    np.testing.assert_array_equal(states == MASKED, frame.mask[:40, 90:])


TILTED = Panel("p", (10, 200), (20, 280), (-120.0, -90.0), (0.999, 0.045), (-0.045, 0.999), 1e-4, 0.12)


@pytest.mark.parametrize(
    "geometry",
    [
        GEOMETRY,
        replace(GEOMETRY, pixel_size=(1e-4, 2e-4)),
        replace(GEOMETRY, beam_centre=None, panels=(TILTED,)),
    ],
    ids=["plane", "oblong pixels", "turned panel"],
)
def test_rings_lie_where_screening_finds_their_resolution(geometry: Geometry) -> None:
    panels = panels_in(geometry, SHAPE)
    lines = ring(panels, 1.0, 9.0)
    points = np.array([point for line in lines for point in line])
    assert len(points) > 50
    nearest = np.rint(points).astype(int)
    inverse = inverse_spacings(nearest.T, geometry)
    assert inverse is not None
    np.testing.assert_allclose(inverse, 1 / 9, rtol=0.02)  # half a pixel of a radius of a hundred


def test_the_radius_of_a_ring_by_braggs_law() -> None:
    """2 theta = 2 asin(1 / 20) = 5.732 degrees; at 0.1 m that is 10.037 mm, 100.37 pixels."""
    (line,) = ring(panels_in(GEOMETRY, SHAPE), 1.0, 10.0)
    radius = [np.hypot(row - 120, col - 150) for row, col in line]
    np.testing.assert_allclose(radius, 100.37, atol=0.01)
    assert beam_place(panels_in(GEOMETRY, SHAPE)) == pytest.approx((120, 150))


@pytest.mark.parametrize("missing", ["wavelength", "distance", "beam_centre", "pixel_size"])
def test_without_a_whole_geometry_there_are_no_rings(missing: str) -> None:
    answer = geometry_answer(replace(GEOMETRY, **{missing: None}), SHAPE)
    assert answer == {"wavelength": None, "panels": [], "beam": None, "rings": [], "ice": []}


def test_ice_rings_are_those_of_hexagonal_ice() -> None:
    near = replace(GEOMETRY, distance=0.03)
    found = [spacing for spacing, _ in ice_rings(panels_in(near, SHAPE), 1.0)]
    assert found[:3] == [3.897, 3.669, 3.441]


def test_a_judgement_is_that_of_the_predictor(run: Path) -> None:
    predictor = hits.open_model(hits.default_model())
    opened = open_files(run)
    for position in (0, 1):
        frame = opened[position]
        verdict, found = predictor(frame), judge(frame, predictor, opened.geometry)
        assert (found.score, found.keep, found.spots) == (verdict.score, verdict.keep, len(verdict.spots))
        likely = [peak for peak in found.peaks if peak.probability >= 0.5]
        assert {(p.row, p.column) for p in likely} == {(s.row, s.column) for s in verdict.spots}
        assert list(found.peaks) == sorted(found.peaks, key=lambda peak: (-peak.probability, -peak.sigma))
