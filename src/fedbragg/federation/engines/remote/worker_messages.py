"""Messages between a client and its worker: orders in, events out, a line of JSON each. Tensors are in files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fedbragg.config import Federation, SiteSettings


@dataclass(frozen=True, slots=True)
class Failure:
    """The reason of a failure: one text that may leave the site, and one for the site itself."""

    public: str  # holds no path and nothing of the data
    local: str

    @classmethod
    def of(cls, reason: str) -> Failure:
        """Return a failure whose reason is the same for both."""
        return cls(reason, reason)


# Orders


@dataclass(frozen=True, slots=True)
class Load:
    """Read the site's data."""

    settings: Mapping[str, Any]  # of the federation, without server and sites
    site: Mapping[str, Any]  # the site's own name, runs and labels
    folder: str  # where relative paths of the site start

    def federation(self) -> Federation:
        """Return the federation's settings with this site as the only one; raise pydantic's ValidationError."""
        return Federation.model_validate({**self.settings, "sites": [SiteSettings(**self.site)]})


@dataclass(frozen=True, slots=True)
class Train:
    """Train on a model and write the update's message; a training that runs is stopped first."""

    request: str
    version: int
    epochs: int
    model: str  # path of a safetensors document
    update: str  # path to write to
    judge: bool = False  # whether to judge the model on the held-out examples first
    least: float | None = None  # score below which the site does not train on it; None accepts any


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop training."""


@dataclass(frozen=True, slots=True)
class Export:
    """Write the final model as a model file and evaluate it."""

    model: str  # path of a safetensors document
    out: str  # path to write to
    otherwise: str = ""  # model to write in its place where it is judged too bad; empty judges nothing
    least: float | None = None


Order = Load | Train | Stop | Export

# Events


@dataclass(frozen=True, slots=True)
class Loaded:
    """The data are read."""


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The data cannot be used."""

    error: str  # its type
    reason: str


@dataclass(frozen=True, slots=True)
class TrainingDone:
    """The update of a request is written."""

    request: str


@dataclass(frozen=True, slots=True)
class ModelAccepted:
    """The site trains on the model of a request, which it has judged."""

    request: str
    score: float  # the first metric on its held-out examples


@dataclass(frozen=True, slots=True)
class ModelVetoed:
    """The site does not train on the model of a request."""

    request: str
    reason: str


@dataclass(frozen=True, slots=True)
class TrainingFailed:
    """The training of a request raised an error."""

    request: str
    error: str  # its type
    reason: str


@dataclass(frozen=True, slots=True)
class TrainingKilled:
    """The process that trained for a request was killed."""

    request: str
    signal: str


@dataclass(frozen=True, slots=True)
class Exported:
    """The final model is written, or cannot be."""

    text: str  # the result, in one line


@dataclass(frozen=True, slots=True)
class WorkerEnded:
    """The worker process itself has ended."""


Event = (
    Loaded
    | LoadFailed
    | ModelAccepted
    | ModelVetoed
    | TrainingDone
    | TrainingFailed
    | TrainingKilled
    | Exported
    | WorkerEnded
)

KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        Load,
        Train,
        Stop,
        Export,
        Loaded,
        LoadFailed,
        ModelAccepted,
        ModelVetoed,
        TrainingDone,
        TrainingFailed,
        TrainingKilled,
        Exported,
    )
}


def to_line(message: Order | Event) -> bytes:
    """Return an order or an event as one line of JSON."""
    return json.dumps({"kind": type(message).__name__, "fields": asdict(message)}).encode() + b"\n"


def from_line(line: bytes) -> Any:
    """Return the order or the event of a line; raise ValueError where it holds none."""
    try:
        content = json.loads(line)
        return KINDS[content["kind"]](**content["fields"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a message of a worker or its client: {error!r}") from None
