"""Labelled frames to train on, from a site's files or from the simulator."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from fedbragg.errors import LabelError
from fedbragg.images import LabelTable
from fedbragg.images.run import FileRun
from fedbragg.progress import SILENT, Progress, Step
from fedbragg.simulation import BEAMLINES, Beamline, reduced, simulate_run
from fedbragg.tasks.hits.data import HitData, HitExample, from_examples, hit_example
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.types import Frame, Label


@dataclass(frozen=True, slots=True)
class PublicSet:
    """Beamlines and artefacts of public frames; rings, ice, streaks and zingers are left to the sites' own frames."""

    beamlines: tuple[str, ...] = ("l498", "ln83", "ln84", "pilatus6m", "pilatus2m", "ccd")
    edges: tuple[int, ...] = (512, 768, 1280)
    """Pixels along the detectors, one size after the other: large empty detectors have more noise peaks."""
    artefacts: tuple[str, ...] = ("blank", "solvent", "hot", "beam-off")  # of the misses, equally often


CENTRELESS = 3
"""One public frame in this many does not know its beam centre; the others know it as well as files do."""
CENTRE_ERROR = 1.5
"""Pixels, standard deviation of the beam centre in a file along each axis."""
UNMASKED = 5
"""One public frame in this many has no mask, as TIFF files often have none."""


def labelled(
    run: FileRun,
    labels: LabelTable,
    settings: PrepareSettings,
    progress: Progress = SILENT,
    unit: str = "file",
) -> HitData:
    """Prepare the frames of a run that have a label, in order; raise LabelError if there is none.

    ``unit`` defines one run or crystal where the labels do not: "file" or "frame", as in [[sites]].
    """
    found = [
        labels.label(path, index) for path, frames in run.files for index in range(frames)
    ]  # by position in the run
    step = progress.stage("Reading labelled frames", sum(label is not None for label in found))
    examples, shown = [], []
    lengths = dict(run.files)
    for start, stop in _stretches(found):
        for frame, label in zip(run.frames(start, stop), found[start:stop], strict=True):
            if label is not None and isinstance(frame, Frame):
                examples.append(hit_example(frame, label, settings))
                shown.append(_unit_of(frame, labels, unit, alone=lengths.get(frame.path) == 1))
            step()
    if not examples:
        raise LabelError("no frame of the run has a label; paths in the table start at the table's folder.")
    numbers = {name: number for number, name in enumerate(dict.fromkeys(shown))}
    return replace(from_examples(examples), units=torch.tensor([numbers[name] for name in shown]))


def _unit_of(frame: Frame, labels: LabelTable, unit: str, *, alone: bool) -> tuple[str, ...]:
    """Return a name of the run or crystal that a frame shows; files of one frame are a run by their folder."""
    crystal = labels.crystal(frame.path, frame.index)
    if crystal is not None:
        return "crystal", crystal
    if unit == "frame":
        return "frame", frame.path, str(frame.index)
    return "file", str(Path(frame.path).parent) if alone else frame.path


def _stretches(labels: Sequence[Label | None]) -> Iterator[tuple[int, int]]:
    """Yield first and last + 1 of neighbouring positions with a label; the frames between are not read."""
    start = None
    for position, label in enumerate((*labels, None)):
        if label is not None and start is None:
            start = position
        elif label is None and start is not None:
            yield start, position
            start = None


def public_frames(
    frames: int,
    seed: int,
    settings: PrepareSettings,
    progress: Progress = SILENT,
    public: PublicSet | None = None,
) -> HitData:
    """Simulate frames of many detectors with known spots."""
    public = public or PublicSet()
    step = progress.stage("Simulating public frames", frames)
    shares = [frames // len(public.beamlines)] * len(public.beamlines)
    shares[0] += frames - sum(shares)
    beamlines = [_public(public, position) for position in range(len(public.beamlines))]
    return from_examples(
        example
        for position, (beamline, share) in enumerate(zip(beamlines, shares, strict=True))
        for example in _simulated(beamline, share, 1000 * seed + position, settings, step)
    )


def _simulated(
    beamline: Beamline, frames: int, seed: int, settings: PrepareSettings, step: Step
) -> Iterator[HitExample]:
    for index, still in enumerate(simulate_run(beamline, frames, seed, os.cpu_count() or 1)):
        centre = _stated_centre(beamline, seed, index)
        frame = Frame(still.counts, still.mask, beamline.name, index, beam_centre=centre)
        shown = _unmasked(frame) if index % UNMASKED == 0 else frame
        yield hit_example(shown, still.label, settings, still.spots)
        step()


def _unmasked(frame: Frame) -> Frame:
    """Return a frame as it is in a file without a mask: zeros in the gaps."""
    return replace(frame, counts=np.where(frame.mask, 0, frame.counts), mask=np.zeros_like(frame.mask))


def _stated_centre(beamline: Beamline, seed: int, index: int) -> tuple[float, float] | None:
    """Return the beam centre as a file states it, some pixels off, or None."""
    if index % CENTRELESS == 0:
        return None
    error = np.random.default_rng([seed, index]).normal(0, CENTRE_ERROR, 2)
    column, row = beamline.detector.beam_centre
    return column + float(error[0]), row + float(error[1])


def _public(public: PublicSet, position: int) -> Beamline:
    """Return one of the beamlines with the set's artefacts and a smaller detector."""
    beamline = BEAMLINES[public.beamlines[position]]
    edge = public.edges[position % len(public.edges)]
    mix = replace(beamline.mix, misses=tuple((kind, 1.0) for kind in public.artefacts))
    return reduced(
        replace(beamline, mix=mix), min(beamline.detector.rows, edge), min(beamline.detector.cols, edge)
    )
