"""The model file of hit finding: one ONNX file with settings, threshold and provenance.

Opening one needs only ONNX Runtime; writing one needs the training extra.

The card is one line of JSON. In format 3 the graph takes the measures of peaks. In formats 1 and 2, written before,
it takes the View and measures the peaks itself, which is slower. With a calibration, which format 1 never has and
format 2 always has, threshold and scores are calibrated probabilities.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import ModelFileError
from fedbragg.models.exporting import Signature, exported
from fedbragg.models.onnx_file import (
    card_values,
    open_session,
    read_card,
    read_state,
    write_with_card,
)
from fedbragg.tasks.hits.calibration_card import Calibration
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.surroundings import MEASURES, measures_of
from fedbragg.tasks.hits.view_graph import score_view
from fedbragg.types import State, View

if TYPE_CHECKING:
    from torch import nn

FORMAT, VIEW_FORMAT, CALIBRATED_VIEW_FORMAT = 3, 1, 2
TASK = "hits"
MEASURED = "measures"
"""The input of a graph: measures of peaks."""
REMEDY = "Give a model.onnx that `fedbragg federate` or `fedbragg demo` wrote."
PACKAGED = Path(__file__).with_name("default.onnx")
"""The packaged model file, whose graph takes other weights."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The description inside a model file."""

    task: str  # TASK
    network: str  # "spotnet"
    prepare: PrepareSettings  # how frames become the network's input
    threshold: float  # score from which a frame is kept
    provenance: dict[str, Any] = field(default_factory=dict)  # how it was trained: rule, sites, seed, version
    calibration: Calibration | None = None  # if present, scores and threshold are probabilities

    def to_json(self) -> str:
        """Return the card as one line of JSON."""
        calibration = None if self.calibration is None else self.calibration.as_metadata()
        values = asdict(self) | {"prepare": self.prepare.as_metadata(), "calibration": calibration}
        return json.dumps({"format": FORMAT, **values})

    @staticmethod
    def from_json(text: str) -> ModelCard:
        """Read a card; raise ValueError, KeyError, TypeError or AttributeError if it is not one."""
        values = card_values(text, TASK, (FORMAT, VIEW_FORMAT, CALIBRATED_VIEW_FORMAT))
        form = values.pop("format")
        prepare = PrepareSettings.from_metadata(values.pop("prepare"))
        threshold = float(values.pop("threshold"))
        found = values.pop("calibration") if form != VIEW_FORMAT else None
        calibration = None if found is None else Calibration.from_metadata(found)
        return ModelCard(prepare=prepare, threshold=threshold, calibration=calibration, **values)


class Scorer:
    """An opened model file: a View in, score and spot map out. May be called from several threads."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        self.path = path
        self._session = open_session(path, threads, REMEDY)
        self.card = read_card(path, self._session, ModelCard.from_json, REMEDY)
        self._measured = [given.name for given in self._session.get_inputs()] == [MEASURED]

    def __call__(self, view: View) -> tuple[float, NDArray[np.float32]]:
        """Return the score of a hit, 0 to 1, and the spot map (cell rows, cell cols).

        The score is a calibrated probability if the model file holds a calibration.
        """
        score, spot_map = self.raw(view)
        calibration = self.card.calibration
        return (score if calibration is None else calibration.score_map(score)), spot_map

    def raw(self, view: View) -> tuple[float, NDArray[np.float32]]:
        """Return the network's own score and spot map, without the calibration."""
        if not self._measured:
            return score_view(self._session, view)
        score, probabilities = self._session.run(None, {MEASURED: measures_of(view)})
        spot_map = np.zeros(view.channels.shape[1:], np.float32)
        spot_map[view.cells[:, 0], view.cells[:, 1]] = probabilities
        return float(score), spot_map


def packaged_weights(prepare: PrepareSettings) -> dict[str, State]:
    """Return the packaged model's weights by its network's name; none where frames are prepared in another way."""
    card = Scorer(PACKAGED).card
    return {card.network: read_state(PACKAGED)} if card.prepare == prepare else {}


def save_model(
    path: Path, whole_frame: nn.Module, card: ModelCard, state: State, pattern: Path | None = None
) -> None:
    """Write a model file with card and weights; ``whole_frame`` maps measures to score and spot probabilities."""
    import torch

    signature = Signature(
        example=(torch.zeros(3, MEASURES),),
        dynamic=({0: torch.export.Dim("peaks")},),
        inputs=[MEASURED],
        outputs=["score", "spots"],
        trained="network",
    )
    write_with_card(path, exported(whole_frame, signature, pattern), card.to_json(), state)


def copy_with_card(source: Path, target: Path, card: ModelCard) -> None:
    """Write a copy of a model file with another card; the source does not change.

    Raises ModelFileError if source and target are the same file or the target cannot be written.
    """
    import onnx

    if target.exists() and target.samefile(source):
        raise ModelFileError(
            f"{target}: this is the model itself, which is never changed. Give another --out."
        )
    write_with_card(target, onnx.load(str(source)), card.to_json())
