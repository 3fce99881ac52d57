"""Train the model that ships in the package, from simulated frames of every beamline with every trouble.

Run by scripts/build-model. Nothing measured is used: real frames judge it, in benchmarks/real.py.
"""

from __future__ import annotations

from pathlib import Path

import torch

from fedbragg.progress import Progress
from fedbragg.simulation import BEAMLINES
from fedbragg.simulation.artefacts.catalogue import ARTEFACTS
from fedbragg.tasks.hits.data import HitData, concatenate
from fedbragg.tasks.hits.learner import pretrain, whole_frame_of
from fedbragg.tasks.hits.model_file import ModelCard, save_model
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.sources import PublicSet, public_frames
from fedbragg.version import __version__

SEED = 20
FRAMES = 450
"""Frames of each of the sets below."""
EDGES = ((512, 768, 1280), (768, 1280, 512), (1280, 512, 768), (1000, 1700, 2600))
"""Every beamline at every size; the last set is near or at the whole detector."""
EPOCHS = 60
THRESHOLD = 0.5
HIT_WEIGHT = 3.0
"""A lost hit is worse than a kept miss, and there are about two misses to a hit among these frames."""


def main(path: Path, progress: Progress) -> None:
    """Simulate, train, and write the model file to ``path``."""
    torch.set_num_threads(1)  # more change the order of sums, and with it the model
    settings = PrepareSettings()
    data = training_frames(settings, progress)
    state = pretrain(data, EPOCHS, SEED, progress.stage("Training", EPOCHS), HIT_WEIGHT)
    card = ModelCard("hits", "spotnet", settings, THRESHOLD, provenance())
    save_model(path, whole_frame_of(state), card, state)


def training_frames(settings: PrepareSettings, progress: Progress) -> HitData:
    """Simulate the frames to train on."""
    sets = [PublicSet(tuple(BEAMLINES), edges, tuple(ARTEFACTS)) for edges in EDGES]
    return concatenate(
        [public_frames(FRAMES, SEED + i, settings, progress, shown) for i, shown in enumerate(sets)]
    )


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
