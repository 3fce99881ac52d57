"""Labelled images to train on: from the simulator, or from a site's files and its table of tags."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from fedbragg.images.ordered_map import ahead
from fedbragg.progress import Step
from fedbragg.simulation.scattering.experiment import ANY_INSTRUMENT, Instrument, draw_experiment
from fedbragg.simulation.scattering.image import ScatteringImage, simulate_images
from fedbragg.tasks.tags.data import TagData
from fedbragg.tasks.tags.prepare import CELLS, TagView, prepare
from fedbragg.types import Frame


@dataclass(frozen=True, slots=True)
class Simulated:
    """What simulated images to train on."""

    experiments: int
    images: int = 10  # of each experiment
    instrument: Instrument = ANY_INSTRUMENT
    longest: tuple[int, ...] = (256, 256, 256, 384, 512, 768)  # pixels along the longer side, in turn


def simulated(what: Simulated, seed: int, step: Step) -> TagData:
    """Simulate and prepare images, experiment after experiment; they belong to nobody."""
    children = np.random.SeedSequence([seed, 7]).spawn(what.experiments)
    total = what.experiments * what.images
    data = TagData(
        torch.empty((total, 3, CELLS, CELLS), dtype=torch.float16),
        torch.empty((total, 19), dtype=torch.float32),
        torch.empty((total, 2), dtype=torch.float32),
    )
    tasks = list(enumerate(children))
    for i, made in zip(range(what.experiments), ahead(lambda task: _experiment(what, *task), tasks, os.cpu_count() or 1, 8), strict=True):
        part = data[i * what.images : (i + 1) * what.images]
        for j, (image, view) in enumerate(made):
            part.views[j] = torch.from_numpy(view.channels)
            part.labels[j] = torch.from_numpy(image.tags.astype(np.float32))
            part.beams[j] = torch.tensor(beam_in_view(image.centre, view))
        step()
    return data


def _experiment(what: Simulated, index: int, seed: np.random.SeedSequence) -> list[tuple[ScatteringImage, TagView]]:
    experiment = draw_experiment(what.instrument, what.longest[index % len(what.longest)], seed)
    return [(image, prepare(frame_of(image, index))) for image in simulate_images(experiment, what.images, seed)]


def frame_of(image: ScatteringImage, index: int = 0) -> Frame:
    """Return a simulated image as a frame of a run."""
    return Frame(image.counts, image.mask, "simulated", index)


def beam_in_view(centre: tuple[float, float], view: TagView) -> tuple[float, float]:
    """Return the beam's (column, row) in pixels as halves of the view from its middle."""
    half = CELLS / 2
    return tuple(((c + 0.5) / view.cell + corner - half) / half for c, corner in zip(centre, view.corner[::-1], strict=True))  # type: ignore[return-value]
