"""Train the segments model that ships in the package, from simulated micrographs of any style.

Run by scripts/build-segments-model. Nothing measured is used: real micrographs judge it, in benchmarks/segments.py.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from fedbragg.learn.settings import FitSettings
from fedbragg.learn.state import state_of
from fedbragg.progress import Progress
from fedbragg.simulation.micrograph.structure import CLASSES
from fedbragg.tasks.segments import learner
from fedbragg.tasks.segments.network import new_network
from fedbragg.tasks.segments.settings import SegmentsSettings
from fedbragg.tasks.segments.sources import Simulated, simulated
from fedbragg.tasks.segments.task import SegmentsTask


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the packaged model is trained."""

    seed: int = 50
    structures: int = 2_000
    styles: int = 2  # pictures of each structure
    epochs: int = 9


def main(path: Path, progress: Progress) -> None:
    """Simulate, train, and write the model file to ``path``."""
    torch.set_num_threads(1)  # more change the order of sums, and with it the model
    recipe = Recipe()
    network = new_network(len(CLASSES), recipe.seed)
    simulating = progress.stage("Simulating micrographs", recipe.structures)
    data = simulated(Simulated(recipe.structures, recipe.styles), CLASSES, recipe.seed, simulating)
    fitting = FitSettings(recipe.epochs, learner.BATCH, learner.PRETRAINING_RATE, annealed=True)
    learner.train(network, data, fitting, recipe.seed, progress.stage("Training", recipe.epochs))
    provenance = {"made_by": "scripts/build-segments-model", "data": "simulated", **asdict(recipe)}
    SegmentsTask(SegmentsSettings()).export(state_of(network), path, provenance)
