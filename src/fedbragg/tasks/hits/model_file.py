"""The model file of hit finding: one ONNX file with settings, threshold and provenance.

Opening one needs only ONNX Runtime; writing one needs the training extra.

The card is one line of JSON. Its format is 1, or 2 with a calibration. Then threshold and scores are calibrated
probabilities, which a version that knows only format 1 would compare with raw scores; so it must refuse the file.
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
    write_with_card,
)
from fedbragg.tasks.hits.calibration_card import Calibration
from fedbragg.tasks.hits.prepare import CHANNELS, CONTEXT, PROFILE, PrepareSettings
from fedbragg.tasks.hits.windows import WINDOW, spread_out, windows
from fedbragg.types import State, View

if TYPE_CHECKING:
    from torch import nn

FORMAT, CALIBRATED_FORMAT = 1, 2
TASK = "hits"
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
        values = {"format": FORMAT, **asdict(self), "prepare": self.prepare.as_metadata()}
        del values["calibration"]
        if self.calibration is not None:
            values |= {"format": CALIBRATED_FORMAT, "calibration": self.calibration.as_metadata()}
        return json.dumps(values)

    @staticmethod
    def from_json(text: str) -> ModelCard:
        """Read a card; raise ValueError, KeyError, TypeError or AttributeError if it is not one."""
        values = card_values(text, TASK, (FORMAT, CALIBRATED_FORMAT))
        form = values.pop("format")
        prepare = PrepareSettings.from_metadata(values.pop("prepare"))
        threshold = float(values.pop("threshold"))
        found = Calibration.from_metadata(values.pop("calibration")) if form == CALIBRATED_FORMAT else None
        return ModelCard(prepare=prepare, threshold=threshold, calibration=found, **values)


class Scorer:
    """An opened model file: a View in, score and spot map out. May be called from several threads."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        self.path = path
        self._session = open_session(path, threads, REMEDY)
        self.card = read_card(path, self._session, ModelCard.from_json, REMEDY)

    def __call__(self, view: View) -> tuple[float, NDArray[np.float32]]:
        """Return the score of a hit, 0 to 1, and the spot map (cell rows, cell cols).

        The score is a calibrated probability if the model file holds a calibration.
        """
        score, spot_map = self.raw(view)
        calibration = self.card.calibration
        return (score if calibration is None else calibration.score_map(score)), spot_map

    def raw(self, view: View) -> tuple[float, NDArray[np.float32]]:
        """Return the network's own score and spot map, without the calibration."""
        area = view.channels.shape[1] * view.channels.shape[2]
        if not len(view.cells) or 2 * len(view.cells) * WINDOW**2 > area:
            score, spot_map = self._run(view.channels, view.cells, view.profiles)
            return float(score), spot_map
        score, found = self._run(*windows(view), view.profiles)
        return float(score), spread_out(found, view)

    def _run(
        self, channels: NDArray[np.float32], cells: NDArray[np.int64], profiles: NDArray[np.float32]
    ) -> tuple[Any, NDArray[np.float32]]:
        score, spot_map = self._session.run(
            None, {"channels": channels, "cells": cells, "profiles": profiles}
        )
        return score, spot_map


def save_model(
    path: Path, whole_frame: nn.Module, card: ModelCard, state: State, pattern: Path | None = None
) -> None:
    """Write a model file with card and weights; ``whole_frame`` maps a View's arrays to score and spot map."""
    import torch

    rows, cols = (torch.export.Dim(name, min=3) for name in ("rows", "cols"))
    peaks = torch.export.Dim("peaks")
    cells = torch.tensor([[3, 4], [9, 8], [9, 9]])
    signature = Signature(
        example=(torch.zeros(len(CHANNELS), 30, 40), cells, torch.zeros(3, len(PROFILE) + len(CONTEXT))),
        dynamic=({1: rows, 2: cols}, {0: peaks}, {0: peaks}),
        inputs=["channels", "cells", "profiles"],
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
