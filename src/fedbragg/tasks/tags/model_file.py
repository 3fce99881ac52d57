"""The model file of the tags task: opened by ONNX Runtime alone, written with the training extras."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fedbragg.models.exporting import Signature, exported
from fedbragg.models.onnx_file import open_session, read_card, write_with_card
from fedbragg.tasks.tags.model_card import TagCard
from fedbragg.tasks.tags.prepare import CELLS, CHANNELS, TagView
from fedbragg.types import State

if TYPE_CHECKING:
    from torch import nn

REMEDY = "Give a model that `fedbragg tags train` or `fedbragg federate` with task tags wrote."
PACKAGED = Path(__file__).with_name("default.onnx")
"""The packaged model file, whose graph takes other weights."""


@dataclass(frozen=True, slots=True, eq=False)
class Tagged:
    """A model's answer for one image."""

    probabilities: NDArray[np.float64]  # (tags,)
    beam: tuple[float, float]  # pixel, (column, row) where the direct beam seems to be; may lie off the image


class Tagger:
    """A model file, opened: a view in, tags out; safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._session = open_session(path, 1, REMEDY)
        self.card = read_card(path, self._session, TagCard.from_json, REMEDY)

    def __call__(self, view: TagView) -> Tagged:
        """Return the tags and the beam of a prepared image."""
        probabilities, beam = self._session.run(None, {"views": view.channels[None, : self.card.channels]})
        return Tagged(probabilities[0].astype(np.float64), view.pixel((float(beam[0, 0]), float(beam[0, 1]))))


@cache
def packaged_names() -> tuple[str, ...]:
    """Return the tags of the packaged model; every training at a site asks for them."""
    return tuple(Tagger(PACKAGED).card.names)


def save_tags_model(
    path: Path, network: nn.Module, card: TagCard, state: State, pattern: Path | None = None
) -> None:
    """Write a network that maps views (n, channels, CELLS, CELLS) to probabilities and beams, card and weights."""
    import torch

    signature = Signature(
        example=(torch.zeros(2, len(CHANNELS), CELLS, CELLS),),
        dynamic=({0: torch.export.Dim("images")},),
        inputs=["views"],
        outputs=["probabilities", "beam"],
        trained="network",
    )
    write_with_card(path, exported(network, signature, pattern), card.to_json(), state)
