"""The model file of the segments task: opened by ONNX Runtime alone, written with the training extras."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.models.exporting import Signature, exported
from fedbragg.models.onnx_file import open_session, read_card, write_with_card
from fedbragg.tasks.segments.model_card import SegmentCard
from fedbragg.tasks.segments.prepare import Scaling
from fedbragg.tasks.segments.tiles import STRIDE, number_of_tiles, segment
from fedbragg.types import State

if TYPE_CHECKING:
    from torch import nn

REMEDY = "Give a model that `fedbragg segments train` or `fedbragg federate` with task segments wrote."
PACKAGED = Path(__file__).with_name("default.onnx")
"""The packaged model file, whose graph takes other weights."""


class Segmenter:
    """A model file, opened: a picture in, probabilities out; safe to call from several threads."""

    def __init__(self, path: Path, threads: int = 1, absent: Sequence[str] = ()) -> None:
        """Open a model file for pictures that do not hold the ``absent`` classes.

        Raises ModelFileError for any other file, and InputError where the model has no such class.
        """
        self.path = path
        self._threads = threads
        self._session = open_session(path, threads, REMEDY)  # shares one tile out to the threads
        # Several tiles side by side keep the threads busier than one tile shared out.
        self._single = open_session(path, 1, REMEDY) if threads > 1 else self._session
        self.card = read_card(path, self._session, SegmentCard.from_json, REMEDY)
        self.classes = self.card.classes.without(absent)

    def __call__(self, picture: NDArray[Any], scaling: Scaling | None = None) -> NDArray[np.float16]:
        """Return the probability of every class at every pixel, (classes, rows, cols).

        ``scaling`` is that of the whole picture where this one is a part.
        """
        if self._threads == 1 or number_of_tiles((picture.shape[0], picture.shape[1])) == 1:
            return segment(picture, partial(self._forward, self._session), scaling)
        return segment(picture, partial(self._forward, self._single), scaling, self._threads)

    def _forward(self, session: Any, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        (answer,) = session.run(None, {"pictures": pictures})
        probabilities: NDArray[np.float32] = answer
        if absent := self.classes.absent_indices:
            probabilities[:, absent] = 0
            probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), np.float32(1e-30))
        return probabilities


def save_segment_model(
    path: Path, network: nn.Module, card: SegmentCard, state: State, pattern: Path | None = None
) -> None:
    """Write a network that maps pictures (n, 3, rows, cols) to probabilities, with card and weights."""
    import torch

    sizes = {2: STRIDE * torch.export.Dim("rows"), 3: STRIDE * torch.export.Dim("cols")}
    signature = Signature(
        example=(torch.zeros(2, 3, 2 * STRIDE, 3 * STRIDE),),
        dynamic=({0: torch.export.Dim("pictures"), **sizes},),
        inputs=["pictures"],
        outputs=["probabilities"],
        trained="network",
    )
    write_with_card(path, exported(network, signature, pattern), card.to_json(), state)
