"""The worker of a site that follows a correction and sends a gradient, as SCAFFOLD asks."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from softmax import SoftmaxSite, skewed_problem

from fedbragg.corrections import split_correction
from fedbragg.federation.engines.remote.worker import LoadedSite, main
from fedbragg.federation.engines.remote.worker_messages import Load
from fedbragg.types import State, Update


class CorrectedTrainer:
    """Softmax regression that moves by the square of its correction, and sends its step as the gradient.

    By the square, because the corrections of all sites add up to zero, and so would what they change.
    """

    def __init__(self, name: str, length: float = 0.3) -> None:
        self._length = length  # how far it moves
        self._site: SoftmaxSite = next(site for site in skewed_problem().sites if site.name == name)
        self.name, self.speed, self.samples = name, 1.0, self._site.samples

    def train(self, model: State, version: int, epochs: int) -> Update:
        weights, correction = split_correction(model)
        update = self._site.train(weights, version, epochs)
        tensors = {
            name: step - self._length * correction.get(name, 0) ** 2 for name, step in update.tensors.items()
        }
        return replace(
            update, tensors=tensors, gradient={name: -step for name, step in update.tensors.items()}
        )


def load_site(order: Load) -> LoadedSite:
    def export(model: State, out: Path) -> str:
        out.write_text("a model")
        return "written"

    return LoadedSite(order.federation(), CorrectedTrainer(order.site["name"]), export)


if __name__ == "__main__":
    main(load_site)
