"""Where labelled frames come from: a site's files, or the simulator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from fedbragg.errors import LabelError
from fedbragg.images import LabelTable
from fedbragg.progress import SILENT, Progress, Step
from fedbragg.simulation import BEAMLINES, Beamline, reduced, simulate_run
from fedbragg.tasks.hits.data import HitData, HitExample, from_examples, hit_example
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.types import Frame, Run


@dataclass(frozen=True, slots=True)
class PublicSet:
    """What public frames show; the default is nothing special: rings, ice, streaks and swarms are what sites know."""

    beamlines: tuple[str, ...] = ("l498", "ln83", "ln84", "pilatus6m", "pilatus2m", "ccd")
    edges: tuple[int, ...] = (
        512,
        768,
        1280,
    )  # pixels along the detectors, in turn: large empty ones have more noise
    troubles: tuple[str, ...] = ("blank", "solvent", "hot", "beam-off")  # what misses show, equally often


UNMASKED = 5
"""Every so many public frames come without their mask, as many a TIFF does."""


def labelled(run: Run, labels: LabelTable, settings: PrepareSettings, progress: Progress = SILENT) -> HitData:
    """Prepare the frames of a run that have a label, in order; raise LabelError where there is none."""
    step = progress.stage("Reading labelled frames", len(run))
    examples = []
    for frame in run.frames():
        label = labels.label(frame.path, frame.index)
        if label is not None and isinstance(frame, Frame):
            examples.append(hit_example(frame, label, settings))
        step()
    if not examples:
        raise LabelError(
            "no frame of the run has a label; paths in the table are seen from the table's folder."
        )
    return from_examples(examples)


def public_frames(
    frames: int,
    seed: int,
    settings: PrepareSettings,
    progress: Progress = SILENT,
    shown: PublicSet | None = None,
) -> HitData:
    """Simulate frames of many detectors with known spots; they belong to nobody."""
    shown = shown or PublicSet()
    step = progress.stage("Simulating public frames", frames)
    shares = [frames // len(shown.beamlines)] * len(shown.beamlines)
    shares[0] += frames - sum(shares)
    facilities = [_public(shown, position) for position in range(len(shown.beamlines))]
    return from_examples(
        example
        for position, (facility, share) in enumerate(zip(facilities, shares, strict=True))
        for example in _simulated(facility, share, 1000 * seed + position, settings, step)
    )


def _simulated(
    beamline: Beamline, frames: int, seed: int, settings: PrepareSettings, step: Step
) -> Iterator[HitExample]:
    for index, still in enumerate(simulate_run(beamline, frames, seed, os.cpu_count() or 1)):
        frame = Frame(still.counts, still.mask, beamline.name, index)
        shown = _unmasked(frame) if index % UNMASKED == 0 else frame
        yield hit_example(shown, still.label, settings, still.spots)
        step()


def _unmasked(frame: Frame) -> Frame:
    """Return a frame as files without a mask have it: zeros in the gaps, and nobody says so."""
    return Frame(np.where(frame.mask, 0, frame.counts), np.zeros_like(frame.mask), frame.path, frame.index)


def _public(shown: PublicSet, position: int) -> Beamline:
    """Return one of the facilities, with the set's troubles and a smaller detector."""
    beamline = BEAMLINES[shown.beamlines[position]]
    edge = shown.edges[position % len(shown.edges)]
    mix = replace(beamline.mix, misses=tuple((trouble, 1.0) for trouble in shown.troubles))
    return reduced(
        replace(beamline, mix=mix), min(beamline.detector.rows, edge), min(beamline.detector.cols, edge)
    )
