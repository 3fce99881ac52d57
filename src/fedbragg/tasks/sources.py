"""Where labelled frames come from: a site's files, or the simulator."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from fedbragg.errors import LabelError
from fedbragg.images import LabelTable
from fedbragg.prepare import PrepareSettings
from fedbragg.simulate import BEAMLINES, Beamline, reduced, simulate_run
from fedbragg.tasks.hits import HitData, HitExample, gather, hit_example
from fedbragg.types import Frame, Run

PUBLIC_BEAMLINES = ("l498", "ln83", "ln84", "pilatus6m", "pilatus2m", "ccd")
"""What the public frames are simulated after: counters and CCDs, few large spots and many small ones."""
PUBLIC_EDGES = (512, 768, 1280)
"""Rows and columns of the public frames, in turn: an empty large detector has more noise to be mistaken for spots."""
PLAIN = ("blank", "solvent", "hot", "beam-off")
"""What the public misses show unless said: nothing special. Rings, ice, streaks and swarms are what sites know."""
Tick = Callable[[], None]


def labelled(run: Run, labels: LabelTable, settings: PrepareSettings, tick: Tick = lambda: None) -> HitData:
    """Prepare the frames of a run that have a label, in order; raise LabelError where there is none."""
    examples = []
    for frame in run.frames():
        label = labels.label(frame.path, frame.index)
        if label is not None and isinstance(frame, Frame):
            examples.append(hit_example(frame, label, settings))
        tick()
    if not examples:
        raise LabelError(
            "no frame of the run has a label; paths in the table are seen from the table's folder."
        )
    return gather(examples)


def public_frames(
    frames: int,
    seed: int,
    settings: PrepareSettings,
    tick: Tick = lambda: None,
    troubles: Sequence[str] = PLAIN,
) -> HitData:
    """Simulate frames of many detectors with known spots; they belong to nobody."""
    shares = [frames // len(PUBLIC_BEAMLINES)] * len(PUBLIC_BEAMLINES)
    shares[0] += frames - sum(shares)
    return gather(
        example
        for position, (name, share) in enumerate(zip(PUBLIC_BEAMLINES, shares, strict=True))
        for example in _simulated(
            _public(BEAMLINES[name], PUBLIC_EDGES[position % 3], troubles),
            share,
            seed + position,
            settings,
            tick,
        )
    )


def _simulated(
    beamline: Beamline, frames: int, seed: int, settings: PrepareSettings, tick: Tick
) -> Iterator[HitExample]:
    for index, still in enumerate(simulate_run(beamline, frames, seed, os.cpu_count() or 1)):
        frame = Frame(still.counts, still.mask, beamline.name, index)
        yield hit_example(frame, still.label, settings, still.spots)
        tick()


def _public(beamline: Beamline, edge: int, troubles: Sequence[str]) -> Beamline:
    """Return the facility with these troubles equally often, on a smaller detector."""
    rows, cols = min(beamline.detector.rows, edge), min(beamline.detector.cols, edge)
    mix = replace(beamline.mix, misses=tuple((trouble, 1.0) for trouble in troubles))
    return reduced(replace(beamline, mix=mix), rows, cols)
