"""One simulated scattering image: scene, expected photons, counts, and the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.simulation.background.coherent import apply_speckle
from fedbragg.simulation.background.shadows import add_streak, apply_shadow
from fedbragg.simulation.detector.exposure import add_expected_spots, draw_counts
from fedbragg.simulation.random_streams import random_stream
from fedbragg.simulation.scattering.beamstop import Beamstop, shadow
from fedbragg.simulation.scattering.camera import Camera, offsets
from fedbragg.simulation.scattering.draw_scene import draw_scene
from fedbragg.simulation.scattering.experiment import Experiment
from fedbragg.simulation.scattering.instrument import Fixtures, read_out, set_up_fixtures
from fedbragg.simulation.scattering.layer_lines import add_layer_lines
from fedbragg.simulation.scattering.layouts import gap_mask
from fedbragg.simulation.scattering.render import Polar, fill, polar, radial_sums
from fedbragg.simulation.scattering.scene import Scene
from fedbragg.simulation.scattering.tag_names import UNKNOWN
from fedbragg.simulation.scattering.truth import Shown, Surroundings, light_by_radius, tags_of

ENOUGH = 2**17
"""Pixels that tell how bright an image is."""


@dataclass(frozen=True, slots=True, eq=False)
class ScatteringImage:
    """A simulated image with its truth."""

    counts: NDArray[Any]  # (rows, cols), as the file has them
    mask: NDArray[np.bool_]  # (rows, cols), True = the file marks the pixel as invalid
    tags: NDArray[np.int8]  # (tags,) 1, 0 or UNKNOWN, in the order of TAGS
    expected: NDArray[
        np.float32
    ]  # (rows, cols) photons without gaps, counting noise and defects, behind the stop's shadow
    centre: tuple[float, float]  # pixel, (column, row) of the direct beam
    q_range: tuple[float, float]  # 1/angstrom, smallest and largest on valid pixels


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """An experiment with the arrays that all its images share."""

    experiment: Experiment
    place: Polar
    gap: NDArray[np.bool_]  # True where there is no sensor
    mask: NDArray[np.bool_]  # True where the file marks it so
    stops: tuple[
        NDArray[np.float32], NDArray[np.float32]
    ]  # share of the light that passes stop and specular stop
    fixtures: Fixtures
    in_view: tuple[float, float]  # pixel, smallest and largest radius of valid pixels outside the stop
    angle_seen: float  # radian of azimuth that valid pixels cover


def set_up(experiment: Experiment) -> Setup:
    """Compute the values that the images of an experiment share."""
    camera = experiment.camera
    place = polar(*offsets(camera))
    gap = gap_mask(experiment.layout, max(camera.rows, camera.cols))
    stops = (_passed(experiment.stop, camera), _passed(experiment.specular_stop, camera))
    stop = stops[0] * stops[1]
    mask = gap.copy() if experiment.gaps_masked else np.zeros_like(gap)
    if experiment.stop and experiment.stop.masked:
        mask |= stop < 0.5
    fixtures = set_up_fixtures(camera, experiment.layout, np.random.default_rng([experiment.seed, 1]))
    seen = ~gap & (stop > 0.5)
    radii = place.radius[seen] if seen.any() else place.radius.ravel()
    turns = np.unique((place.turn[seen & (place.radius > radii.min() + 2)] / 20).astype(int))
    view = (float(max(radii.min(), 2.0)), float(radii.max()))
    return Setup(experiment, place, gap, mask, stops, fixtures, view, len(turns) * 2 * np.pi / 72)


def _passed(stop: Beamstop | None, camera: Camera) -> NDArray[np.float32]:
    return np.ones((camera.rows, camera.cols), np.float32) if stop is None else shadow(stop, camera)


def simulate_image(setup: Setup, seed: np.random.SeedSequence) -> ScatteringImage:
    """Simulate one image of an experiment; equal seeds give equal images."""
    generator = np.random.default_rng(seed)
    scene, strength = draw_scene(setup.experiment, setup.in_view, generator)
    free = _free_light(scene, setup)
    passed = setup.stops[0] * setup.stops[1] * setup.fixtures.passed
    for edge in scene.shadows:
        apply_shadow(passed, scene.camera.centre, edge)
    light = free * passed
    exposure = strength / max(_bright(light[~setup.gap]), 1e-12)
    light *= np.float32(exposure)
    free *= np.float32(exposure)
    counts = _count(light, setup, generator)
    sums = radial_sums(setup.place, ~setup.gap, passed, light)
    valid = counts[~(setup.mask | setup.gap)]
    around = Surroundings(
        setup.experiment.regime,
        setup.experiment.stop.kind if setup.experiment.stop else "",
        _stop_tag(setup, setup.experiment.stop, setup.stops[0], free),
        _stop_tag(setup, setup.experiment.specular_stop, setup.stops[1], free),
        _thick_arm(setup.experiment),
        _bright(valid) if valid.size else 0.0,
        setup.angle_seen,
    )
    tags = tags_of(scene, light_by_radius(sums, exposure), around)
    image = ScatteringImage(counts, setup.mask, tags, light, scene.camera.centre, _q_range(setup))
    return _turned(image, setup.experiment.turns)


def _turned(image: ScatteringImage, turns: int) -> ScatteringImage:
    """Return the image as written by a detector mounted on its side or upside down."""
    for _ in range(turns % 4):
        (column, row), cols = image.centre, image.counts.shape[1]
        arrays = (np.ascontiguousarray(np.rot90(a)) for a in (image.counts, image.mask, image.expected))
        counts, mask, expected = arrays
        image = replace(image, counts=counts, mask=mask, expected=expected, centre=(row, cols - 1 - column))
    return image


def simulate_images(
    experiment: Experiment, number: int, seed: np.random.SeedSequence
) -> Iterator[ScatteringImage]:
    """Yield the images of one experiment, each with a seed of its own."""
    setup = set_up(experiment)
    for child in seed.spawn(number):
        yield simulate_image(setup, child)


def _free_light(scene: Scene, setup: Setup) -> NDArray[np.float32]:
    """Return the relative light (rows, cols) before any shadow."""
    light = fill(scene, setup.place)
    for lines in scene.layer_lines:
        add_layer_lines(lines, *offsets(scene.camera), light)
    if scene.film is not None:
        light += scene.film
    ones = np.ones_like(light)
    for spots in scene.spots:
        add_expected_spots(spots, ones, light)
    if scene.speckle is not None:
        apply_speckle(light, scene.speckle)
    for streak in scene.streaks:
        add_streak(light, scene.camera.centre, streak)
    return light


def _count(light: NDArray[np.float32], setup: Setup, generator: np.random.Generator) -> NDArray[Any]:
    photons = np.empty(light.shape, np.int32)
    times = setup.fixtures.readout.averaged
    draw_counts(light * np.float32(times), random_stream(generator), photons)
    photons[setup.gap] = 0
    counts = read_out(photons, setup.fixtures, generator)
    counts[setup.gap] = 0
    return counts


def _stop_tag(
    setup: Setup, stop: Beamstop | None, passed: NDArray[np.float32], free: NDArray[np.float32]
) -> int:
    """Decide whether a beamstop's shadow can be seen: by the light that it takes, or as a hole in the mask."""
    if stop is None:
        return 0
    inside = (passed < 0.5) & ~setup.gap
    area = int(inside.sum())
    enough = 10 * (max(inside.shape) / 256) ** 2
    if area < enough or stop.masked:
        return 0 if area == 0 else (UNKNOWN if area < 2 * enough else 1)
    dark = free[inside] * (1 - passed[inside])
    signal = float(np.sqrt((dark**2 / np.maximum(free[inside], 1e-9)).sum()))
    return Shown(1.0, signal).tag(0.5)


def _thick_arm(experiment: Experiment) -> bool:
    stop = experiment.stop
    return stop is not None and stop.arm > 0.3 * stop.size


def _bright(values: NDArray[Any]) -> float:
    """Return the 99.9th percentile, of a large image that of a part of the pixels."""
    values = values[:: max(values.size // ENOUGH, 1)]
    place = min(int(0.999 * values.size), values.size - 1)
    return float(np.partition(values, place)[place])


def _q_range(setup: Setup) -> tuple[float, float]:
    valid = setup.place.radius[~setup.gap]
    low, high = setup.experiment.camera.q(np.array([valid.min(), valid.max()], float))
    return float(low), float(high)
