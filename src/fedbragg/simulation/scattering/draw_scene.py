"""One image's scene: its experiment's samples in this image's orientation, diffuse scattering, background, slits."""

from __future__ import annotations

import numpy as np

from fedbragg.simulation.background.radial import STEPS_PER_PIXEL
from fedbragg.simulation.background.shadows import Streak
from fedbragg.simulation.scattering.diffuse import add_diffuse
from fedbragg.simulation.scattering.draws import Draws
from fedbragg.simulation.scattering.experiment import Experiment
from fedbragg.simulation.scattering.grazing import add_film, add_horizon
from fedbragg.simulation.scattering.samples import KINDS
from fedbragg.simulation.scattering.scene import Role, Scene

DIFFUSE = {"small angle": (0.5, 0.12), "wide angle": (0.35, 0.2), "grazing": (0.5, 0.05)}
"""Probabilities of diffuse scattering at small and at large angles."""

LARGEST_BEAM = 2.0
"""Times its size at 256 pixels that a direct beam grows with the number of pixels: it has some millimetres at most."""


def draw_scene(
    experiment: Experiment, in_view: tuple[float, float], generator: np.random.Generator
) -> tuple[Scene, float]:
    """Draw an image's scene, and the 99.9th percentile of its expected photons."""
    scene = Scene(experiment.camera, *in_view)
    shared = np.random.default_rng([experiment.seed, 0])
    draws = Draws(shared, generator, _direction(experiment, shared, generator))
    for sample in experiment.samples:
        own = Draws(np.random.default_rng(sample.seed), generator, draws.direction)
        if sample.kind == "film":
            add_film(scene, own)
        else:
            KINDS[sample.kind](scene, own)
    add_diffuse(scene, draws, *DIFFUSE[experiment.regime])
    if experiment.regime == "grazing":
        add_horizon(scene, draws)
    _add_instrument(scene, draws, experiment)
    empty = all(sample.kind == "nothing" for sample in experiment.samples)
    dimmed = draws.log(1e-4, 0.3) if empty else 1.0
    return scene, dimmed * experiment.peak_counts * float(np.exp(generator.normal(0, experiment.spread)))


def _direction(experiment: Experiment, shared: np.random.Generator, generator: np.random.Generator) -> float:
    """Draw the sample's axis: upright at grazing incidence, else the same in most images of an experiment or any."""
    own = shared.uniform(-np.pi, np.pi)
    turns = shared.random() < 0.5
    if experiment.regime == "grazing":
        return -np.pi / 2
    return float(generator.uniform(-np.pi, np.pi) if turns else own + generator.normal(0, 0.05))


def _add_instrument(scene: Scene, draws: Draws, experiment: Experiment) -> None:
    """Add the instrument's own scattering: background, glow around the stop, slit streaks, the direct beam."""
    if draws.chance(0.55):
        scene.add_smooth(Role.BACKGROUND, np.full(len(scene.q), draws.log(3e-4, 30)))
    if not experiment.camera.beam_inside:
        return
    radii = np.arange(len(scene.q)) / STEPS_PER_PIXEL
    if draws.chance(0.7):
        glow = (np.maximum(radii, scene.inner) / scene.inner) ** -draws.structure.uniform(2.5, 6)
        scene.add_smooth(Role.PARASITIC, draws.log(0.1, 20) * glow)
    scale = max(experiment.camera.rows, experiment.camera.cols) / 256
    for direction in (0.0, np.pi / 2, np.pi, -np.pi / 2):
        if draws.chance(0.1):
            length, width = scale * draws.log(3, 40), scale * draws.log(0.5, 2.5)
            scene.streaks.append(
                Streak(direction + draws.structure.normal(0, 0.03), draws.log(0.1, 30), length, width)
            )
    passes = 1.0 if experiment.stop is None else experiment.stop.transmission
    if passes > 0:
        column, row = experiment.camera.centre
        scale = min(scale, LARGEST_BEAM)
        wide, high = scale * draws.structure.uniform(1.7, 4.2), scale * draws.structure.uniform(0.8, 2.1)
        round_part, stretch = min(wide, high), float(np.sqrt(max(wide**2 - min(wide, high) ** 2, 0)))
        photons = draws.log(1, 1e3) * 2 * np.pi * wide * high
        scene.spots.append(np.array([[column, row, photons, round_part, stretch, 0.0]]))
