"""Train the healing network that ships in the package. Run by scripts/build-healing-model; nothing measured is used."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from fedbragg.learn.loop import fit
from fedbragg.learn.settings import FitSettings
from fedbragg.models.exporting import Signature, exported
from fedbragg.models.onnx_file import write_with_card
from fedbragg.progress import SILENT, Progress, bars
from fedbragg.tasks.tags.healing.network.card import HealingCard
from fedbragg.tasks.tags.healing.network.directions import FILLS
from fedbragg.tasks.tags.healing.network.healer import SIZE
from fedbragg.tasks.tags.healing.network.healnet import HealNet
from fedbragg.tasks.tags.healing.network.training import HealingProblem, simulated_tiles
from fedbragg.version import __version__


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the network is trained."""

    seed: int = 92
    images: int = 500  # simulated, each of another experiment
    tiles: int = 2  # of each image
    epochs: int = 3
    batch: int = 8
    learning_rate: float = 2e-3


def train(recipe: Recipe, progress: Progress = SILENT) -> HealNet:
    """Simulate images and train on them."""
    tiles = simulated_tiles(
        recipe.images, recipe.tiles, recipe.seed, progress.stage("Simulating images", recipe.images)
    )
    network = HealNet()
    network.initialise(recipe.seed)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    gaps, order = (torch.Generator().manual_seed(recipe.seed + k) for k in (1, 2))
    fitting = FitSettings(recipe.epochs, recipe.batch, recipe.learning_rate, annealed=True)
    step = progress.stage("Training", recipe.epochs)
    fit(network, HealingProblem(network, tiles, gaps), fitting, order, step)
    return network


def write(network: HealNet, recipe: Recipe, path: Path) -> None:
    """Write a model file that ONNX Runtime opens."""
    inputs = {"counts": 1, "measured": 1, "fills": FILLS, "there": FILLS}
    # Each input needs a tensor of its own: the exporter takes one tensor passed twice for one input.
    examples = tuple(torch.ones(1, channels, SIZE, SIZE) for channels in inputs.values())
    signature = Signature(examples, ({},) * len(inputs), list(inputs), ["logarithm"])
    made = {"fedbragg": __version__, "made_by": "scripts/build-healing-model", "data": "simulated"}
    card = HealingCard(provenance=made | asdict(recipe))
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    write_with_card(path, exported(network, signature), card.to_json())


def main(path: Path, recipe: Recipe | None = None) -> None:
    """Train the packaged network and write it to ``path``."""
    torch.set_num_threads(1)  # more change the order of sums, and with it the model
    chosen = recipe or Recipe()
    with bars() as progress:
        network = train(chosen, progress)
    write(network, chosen, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
