"""Train the model that ships in the package, from simulated frames of every beamline with every trouble.

Run by scripts/build-model. Nothing measured is used: real frames judge it, in benchmarks/real.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress

from fedbragg import __version__
from fedbragg.simulate import BEAMLINES
from fedbragg.simulate.background.scene import TROUBLES
from fedbragg.tasks.hits.learner import HitData, join, pretrain, whole_frame_of
from fedbragg.tasks.hits.model_file import ModelCard, save_model
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.sources import PublicSet, public_frames

SEED = 20
FRAMES = 450
"""Frames of each of the sets below."""
EDGES = ((512, 768, 1280), (768, 1280, 512), (1280, 512, 768), (1000, 1700, 2600))
"""Every beamline at every size; the last set is near or at the whole detector."""
EPOCHS = 60
THRESHOLD = 0.5
HIT_WEIGHT = 3.0
"""A lost hit is worse than a kept miss, and there are about two misses to a hit among these frames."""


def main(arguments: list[str]) -> None:
    """Simulate, train, and write the model file given as the only argument."""
    torch.set_num_threads(1)  # more change the order of sums, and with it the model
    settings = PrepareSettings()
    with Progress(console=Console(stderr=True)) as progress:
        simulating = progress.add_task("Simulating", total=FRAMES * len(EDGES))
        data = training_frames(settings, lambda: progress.advance(simulating))
        learning = progress.add_task("Training", total=EPOCHS)
        state = pretrain(data, EPOCHS, SEED, lambda *_: progress.advance(learning), HIT_WEIGHT)
    card = ModelCard("hits", "spotnet", settings, THRESHOLD, provenance())
    save_model(Path(arguments[0]), whole_frame_of(state), card)


def training_frames(settings: PrepareSettings, tick: Callable[[], None]) -> HitData:
    """Simulate the frames to train on."""
    sets = [PublicSet(tuple(BEAMLINES), edges, tuple(TROUBLES)) for edges in EDGES]
    return join([public_frames(FRAMES, SEED + i, settings, tick, shown) for i, shown in enumerate(sets)])


def provenance() -> dict[str, object]:
    """Say how the model came about."""
    return {
        "fedbragg": __version__,
        "made_by": "scripts/build-model",
        "data": "simulated",
        "seed": SEED,
        "frames": FRAMES * len(EDGES),
        "epochs": EPOCHS,
        "hit_weight": HIT_WEIGHT,
    }


if __name__ == "__main__":
    main(sys.argv[1:])
