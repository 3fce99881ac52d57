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
from fedbragg.tasks.tags.labels import TagTable
from fedbragg.tasks.tags.prepare import CELLS, TagView, prepare
from fedbragg.types import Frame, Run


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
        torch.empty((total, len(TAGS)), dtype=torch.float32),
        torch.empty((total, 2), dtype=torch.float32),
    )
    made = ordered_map(lambda task: _experiment(what, *task), enumerate(children), os.cpu_count() or 1, 8)
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
            views.append(torch.from_numpy(prepare(frame).channels).half())
            labels.append(torch.from_numpy(tags))
        step()
    if not views:
        raise LabelError("no image has tags; paths in the table are seen from the table's folder.")
    return TagData(torch.stack(views), torch.stack(labels), torch.full((len(views), 2), torch.nan))


def _put(data: TagData, at: int, view: TagView, tags: NDArray[np.float32], beam: tuple[float, float]) -> None:
    data.views[at] = torch.from_numpy(view.channels)
    data.labels[at] = torch.from_numpy(tags)
    data.beams[at] = torch.tensor(beam)


def _experiment(
    what: Simulated, index: int, seed: np.random.SeedSequence
) -> list[tuple[ScatteringImage, TagView]]:
    experiment = draw_experiment(what.instrument, what.longest[index % len(what.longest)], seed)
    return [
        (image, prepare(frame_of(image, index))) for image in simulate_images(experiment, what.images, seed)
    ]


def frame_of(image: ScatteringImage, index: int = 0) -> Frame:
    """Return a simulated image as a frame of a run."""
    return Frame(image.counts, image.mask, "simulated", index)
