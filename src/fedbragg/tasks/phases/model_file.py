"""The model file of the phases task: opening needs only ONNX Runtime, writing the training extra."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fedbragg.models.exporting import Signature, exported
from fedbragg.models.onnx_file import open_session, read_card, write_with_card
from fedbragg.tasks.phases.calibration import calibrated
from fedbragg.tasks.phases.model_card import PhaseCard
from fedbragg.tasks.phases.prepare import CHANNELS
from fedbragg.types import State

if TYPE_CHECKING:
    from torch import nn

REMEDY = "Give a model that `fedbragg phases train` or `fedbragg federate` with task phases wrote."
PACKAGED = Path(__file__).with_name("default.onnx")
"""The packaged model file, whose graph takes other weights."""


@dataclass(frozen=True, slots=True, eq=False)
class Identified:
    """A model's answer for one pattern."""

    probabilities: NDArray[np.float64]  # (phases,), calibrated if the model is
    strains: NDArray[
        np.float64
    ]  # (phases,), relative growth of each cell, the mean of those tried by their fit
    scores: NDArray[np.float64]  # (phases,), the network's own, before calibration


class Identifier:
    """An opened model file: a prepared pattern in, phases out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._session = open_session(path, 1, REMEDY)
        self.card = read_card(path, self._session, PhaseCard.from_json, REMEDY)

    def __call__(self, view: NDArray[np.float32]) -> Identified:
        """Return the phases of a prepared pattern (3, points)."""
        outputs = self._session.run(None, {"views": view[None]})
        scores, strains = (output[0].astype(np.float64) for output in outputs)
        return Identified(calibrated(self.card.calibration, scores), strains, scores)


def save_phases_model(
    path: Path, network: nn.Module, card: PhaseCard, state: State, pattern: Path | None = None
) -> None:
    """Write a model file; ``network`` maps patterns (n, 3, points) to probabilities and strains, (n, phases) each."""
    import torch

    signature = Signature(
        example=(torch.zeros(2, len(CHANNELS), card.prepare.points),),
        dynamic=({0: torch.export.Dim("patterns")},),
        inputs=["views"],
        outputs=["probabilities", "strain"],
    )
    write_with_card(path, exported(network, signature, pattern), card.to_json(), state)
