"""Labelled images to train on: from the simulator, or from a site's files and its table of tags."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fedbragg.errors import LabelError
from fedbragg.ordered_map import ordered_map
from fedbragg.progress import SILENT, Progress, Step
from fedbragg.simulation.scattering.experiment import ANY_INSTRUMENT, Instrument, draw_experiment
from fedbragg.simulation.scattering.image import ScatteringImage, simulate_images
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.tags.data import TagData
from fedbragg.tasks.tags.halve import READ, halved
from fedbragg.tasks.tags.labels import TagTable
from fedbragg.tasks.tags.prepare import CHANNELS, TagView, prepare, view_of
from fedbragg.types import Frame, Run

SIDES = (256, None, 384, 256, 1024, 512)
"""Pixels along the longer side of simulated detectors, in turn; on their own (None) grains are as fine as in files."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """The simulated images to train on."""

    experiments: int
    images: int = 10  # of each experiment
    instrument: Instrument = ANY_INSTRUMENT
    longest: tuple[int | None, ...] = SIDES  # pixels along the longer side, in turn; None: the detector's own
    first: int = 0  # of the seed's experiments


def simulated(what: Simulated, seed: int, step: Step, threads: int | None = None) -> TagData:
    """Simulate and prepare images, experiment after experiment; they belong to nobody.

    Parts of a seed's experiments, one after the other, are the same as all at once. None uses all cores.
    """
    numbers = range(what.first, what.first + what.experiments)
    total = what.experiments * what.images
    data = TagData(
        torch.empty((total, len(CHANNELS), READ, READ), dtype=torch.float16),
        torch.empty((total, len(TAGS)), dtype=torch.float32),
        torch.empty((total, 2), dtype=torch.float32),
    )
    workers = os.cpu_count() or 1 if threads is None else threads
    made = ordered_map(lambda number: _experiment(what, number, seed), numbers, workers, 8)
    for i, images in enumerate(made):
        part = data[i * what.images : (i + 1) * what.images]
        for j, (image, view) in enumerate(images):
            _put(part, j, view, image.tags.astype(np.float32), view.place(image.centre))
        step()
    return data


def labelled(run: Run, table: TagTable, progress: Progress = SILENT) -> TagData:
    """Prepare the images of a run that the table annotates, in order; raise LabelError where there is none."""
    step = progress.stage("Reading annotated images", len(run))
    views, labels = [], []
    for frame in run.frames():
        tags = table.tags(frame.path, frame.index)
        if tags is not None and isinstance(frame, Frame):
            views.append(as_read(prepare(frame)))
            labels.append(torch.from_numpy(tags))
        step()
    if not views:
        raise LabelError("no image has tags; paths in the table are seen from the table's folder.")
    return TagData(torch.stack(views), torch.stack(labels), torch.full((len(views), 2), torch.nan))


def _put(data: TagData, at: int, view: TagView, tags: NDArray[np.float32], beam: tuple[float, float]) -> None:
    data.views[at] = as_read(view)
    data.labels[at] = torch.from_numpy(tags)
    data.beams[at] = torch.tensor(beam)


def _experiment(what: Simulated, number: int, seed: int) -> list[tuple[ScatteringImage, TagView]]:
    own = np.random.SeedSequence([seed, 7], spawn_key=(number,))
    experiment = draw_experiment(what.instrument, what.longest[number % len(what.longest)], own)
    return [
        (image, view_of(frame_of(image, number))) for image in simulate_images(experiment, what.images, own)
    ]


def as_read(view: TagView) -> torch.Tensor:
    """Return a view as the network reads it, (channels, READ, READ) in half precision."""
    return halved(torch.from_numpy(view.channels)[None])[0].half()


def frame_of(image: ScatteringImage, index: int = 0) -> Frame:
    """Return a simulated image as a frame of a run."""
    return Frame(image.counts, image.mask, "simulated", index)
