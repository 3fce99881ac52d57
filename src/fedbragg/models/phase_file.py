"""The model file of the phases task: opened by ONNX Runtime alone, written with the training extras."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import ConfigError, ModelFileError
from fedbragg.models.phase_card import PhaseCard

if TYPE_CHECKING:
    from torch import nn

KEY = "fedbragg"
REMEDY = "Give a model that `fedbragg phases train` or `fedbragg federate` with task phases wrote."


def default_phases_model() -> Path:
    """Return the phases model that ships in the package; raise ModelFileError where it is missing."""
    path = Path(__file__).with_name("phases.onnx")
    if not path.is_file():
        raise ModelFileError(
            "the package holds no phases model. Run scripts/build-phases-model, or give --model."
        )
    return path


@dataclass(frozen=True, slots=True, eq=False)
class Identified:
    """What a model says of one pattern."""

    probabilities: NDArray[np.float64]  # (phases,)
    strains: NDArray[np.float64]  # (phases,), growth of each phase's cell that fits best, relative


class Identifier:
    """A model file, opened: a prepared pattern in, phases out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._session = _open_session(path)
        self.card = _read_card(path, self._session)

    def __call__(self, view: NDArray[np.float32]) -> Identified:
        """Say which phases a prepared pattern (3, points) shows."""
        probabilities, strains = self._session.run(None, {"views": view[None]})
        return Identified(probabilities[0].astype(np.float64), strains[0].astype(np.float64))


def save_phases_model(path: Path, network: nn.Module, card: PhaseCard) -> None:
    """Write a network that maps prepared patterns (n, 3, points) to probabilities and strains, with its card."""
    import onnx

    model = _export(network.eval(), card.prepare.points)
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, card.to_json()
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))


def _export(network: nn.Module, points: int) -> Any:
    import logging
    import warnings

    import torch

    patterns = torch.export.Dim("patterns")
    chatter = [logging.getLogger(name) for name in ("torch.onnx", "onnx_ir", "onnxscript")]
    levels = [logger.level for logger in chatter]
    for logger in chatter:
        logger.setLevel(logging.ERROR)  # they report the absence of torchvision, which is not used
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch's own use of its own deprecated names
            warnings.simplefilter("ignore", DeprecationWarning)
            program = torch.onnx.export(
                network,
                (torch.zeros(2, 3, points),),
                dynamo=True,
                dynamic_shapes=({0: patterns},),
                input_names=["views"],
                output_names=["probabilities", "strain"],
                verbose=False,
            )
    finally:
        for logger, level in zip(chatter, levels, strict=True):
            logger.setLevel(level)
    if program is None:
        raise ModelFileError("the network could not be exported to ONNX.")
    return program.model_proto


def _open_session(path: Path) -> Any:
    import onnxruntime

    if not path.is_file():
        raise ModelFileError(f"{path}: no such model file. {REMEDY}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4  # what is wrong is said by our own error
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception:  # onnxruntime's errors share no base class
        raise ModelFileError(f"{path}: not a model file (ONNX Runtime cannot open it). {REMEDY}") from None


def _read_card(path: Path, session: Any) -> PhaseCard:
    text = session.get_modelmeta().custom_metadata_map.get(KEY)
    if text is None:
        raise ModelFileError(f"{path}: an ONNX file, but not one of fedbragg's: no settings inside. {REMEDY}")
    try:
        return PhaseCard.from_json(text)
    except (ConfigError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{path}: cannot be used: {error}. {REMEDY}") from None
