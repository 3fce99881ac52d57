"""Train the packaged model on simulated frames of every beamline with every artefact.

scripts/build-model runs this. It uses no measured frame; benchmarks/real.py tests the model on real ones.
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
FRAMES = 900
"""Frames of each of the sets below."""
EDGES = ((512, 768, 1280), (768, 1280, 512), (1280, 512, 768), (1000, 1700, 2600))
"""Detector sizes in pixels: every beamline at every size, the last set close to whole detectors."""
BESIDE_CRYSTALS = 0.5
"""Share of the frames with a crystal that show an artefact as well: a hit on a powder's rings must not be lost."""
EPOCHS = 60
THRESHOLD = 0.5
HIT_WEIGHT = 3.0
"""Weight of a hit against a miss: a lost hit is worse, and these frames hold about two misses for each hit."""


def main(path: Path, progress: Progress) -> None:
    """Simulate, train, and write the model file to ``path``."""
    torch.set_num_threads(1)  # more threads change the order of sums, and so the model
    settings = PrepareSettings()
    data = training_frames(settings, progress)
    state = pretrain(data, EPOCHS, SEED, progress.stage("Training", EPOCHS), HIT_WEIGHT)
    card = ModelCard("hits", "spotnet", settings, THRESHOLD, provenance())
    save_model(path, whole_frame_of(state), card, state)


def training_frames(settings: PrepareSettings, progress: Progress) -> HitData:
    """Simulate the frames to train on."""
    sets = [PublicSet(tuple(BEAMLINES), edges, tuple(ARTEFACTS), BESIDE_CRYSTALS) for edges in EDGES]
    return concatenate(
        [public_frames(FRAMES, SEED + i, settings, progress, public) for i, public in enumerate(sets)]
    )


def provenance() -> dict[str, object]:
    """Return how the model was made."""
    return {
        "fedbragg": __version__,
        "made_by": "scripts/build-model",
        "data": "simulated",
        "seed": SEED,
        "frames": FRAMES * len(EDGES),
        "epochs": EPOCHS,
        "hit_weight": HIT_WEIGHT,
    }
