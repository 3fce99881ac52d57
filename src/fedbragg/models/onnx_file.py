"""ONNX files with a card inside, shared by the model files of all tasks.

Opening one needs only ONNX Runtime; writing one, and reading the weights to train on, needs the training extra.
The metadata hold the card as JSON. ``exporting`` makes the graph, ``weights`` says where the weights are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from fedbragg.errors import ConfigError, ModelFileError
from fedbragg.files import write_whole
from fedbragg.models.weights import WEIGHTS, read_weights, weight_entries
from fedbragg.types import State

KEY = "fedbragg"
REMEDY = "Give a model.onnx that fedbragg wrote."
FIRST_TASK = "hits"
"""The task of a card that names none: early versions had only this one."""
Card = TypeVar("Card")


class OtherTask(ValueError):  # noqa: N818  what the card is, not a fault in it
    """A card is of another task than the one asked for."""


def write_with_card(path: Path, model: Any, card: str, state: State | None = None) -> None:
    """Write an ONNX model with a card, and make its folder; the file appears only when it is complete.

    ``state`` holds the weights to train on; without it those in ``model`` stay. Raises ModelFileError if the file
    cannot be written.
    """
    import onnx

    entries = {entry.key: entry.value for entry in model.metadata_props} | {KEY: card}
    if state is not None:
        entries |= weight_entries(model, state)
    onnx.helper.set_model_props(model, entries)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, model.SerializeToString())
    except OSError as error:
        raise ModelFileError(f"{path}: cannot write there ({error.strerror}). Give another --out.") from None


def read_state(path: Path) -> dict[str, NDArray[Any]]:
    """Return the weights of a model file; raise ModelFileError if it holds none."""
    import onnx

    entries = _metadata(open_session(path, 1, REMEDY))
    if WEIGHTS not in entries:
        raise ModelFileError(
            f"{path}: holds no weights to train on; fedbragg 0.1 wrote it. Start from the packaged model."
        )
    try:
        return read_weights(onnx.load(str(path)), entries)
    except (ValueError, KeyError):
        raise ModelFileError(f"{path}: its weights are damaged. {REMEDY}") from None


def task_in(path: Path) -> str:
    """Return the task that a model file is for; raise ModelFileError if fedbragg did not write it."""
    session = open_session(path, 1, REMEDY)
    return read_card(path, session, lambda text: str(json.loads(text).get("task", FIRST_TASK)), REMEDY)


def open_session(path: Path, threads: int, remedy: str) -> Any:
    """Open a model file; raise ModelFileError, which ends with ``remedy``, if it is not one."""
    if not path.is_file():
        raise ModelFileError(f"{path}: no such model file. {remedy}")
    try:
        return session_of(str(path), threads)
    except Exception:  # onnxruntime's errors share no base class
        raise ModelFileError(f"{path}: not a model file (ONNX Runtime cannot open it). {remedy}") from None


def session_of(model: str | bytes, threads: int) -> Any:
    """Open a model file by name, or a serialised model; errors are ONNX Runtime's."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # our own errors report the problem
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def read_card(path: Path, session: Any, parse: Callable[[str], Card], remedy: str) -> Card:
    """Read the card of an open model file; raise ModelFileError if it has none, or one of another task."""
    text = _metadata(session).get(KEY)
    if text is None:
        raise ModelFileError(
            f"{path}: an ONNX file that fedbragg did not write: it holds no settings. {remedy}"
        )
    try:
        return parse(text)
    except OtherTask as error:
        raise ModelFileError(f"{path}: {error}. {remedy}") from None
    except (ConfigError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{path}: its settings cannot be read ({error}). {remedy}") from None


def card_values(text: str, task: str, formats: Collection[int]) -> dict[str, Any]:
    """Return the values of a card.

    Raises OtherTask for a card of another task, ValueError for another format, and KeyError or AttributeError for JSON
    that is not a card.
    """
    values: dict[str, Any] = json.loads(text)
    found = values.get("task", FIRST_TASK)
    if found != task:
        raise OtherTask(f"a model of the task {found}, not of {task}")
    if values["format"] not in formats:
        raise ValueError("written by another version of fedbragg")
    return values


def packaged(module_file: str, script: str) -> Path:
    """Return the model file beside a task's module; raise ModelFileError, which names the script that makes it."""
    path = Path(module_file).with_name("default.onnx")
    if not path.is_file():
        raise ModelFileError(f"the package holds no {path.parent.name} model. Run {script}, or give --model.")
    return path


def digest(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _metadata(session: Any) -> dict[str, str]:
    entries: dict[str, str] = session.get_modelmeta().custom_metadata_map
    return entries
