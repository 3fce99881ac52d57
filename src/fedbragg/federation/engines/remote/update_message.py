"""An update as a message: the fields of fedbragg.types.Update and the request that it answers, nothing else."""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fedbragg.errors import FederationError
from fedbragg.federation.engines.remote.protocol import Message
from fedbragg.federation.quantise import QuantisedTensor
from fedbragg.federation.wire import EncodedUpdate
from fedbragg.styles import PREFIX, parted

Count = Annotated[int, Field(ge=0, le=2**53, strict=True)]
"""A number of frames; larger ones are not exact in double precision."""


GRADIENT = "gradient:"
"""Begins the names of a gradient's tensors in a message; no network has such a name."""


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QuantisedFields(_Fields):
    """How to read the codes of one quantised tensor."""

    length: float = Field(ge=0, strict=True)
    """Euclidean norm of the tensor."""
    shape: tuple[Count, ...] = Field(max_length=64)
    bits: Literal[2, 4, 8]


class UpdateFields(_Fields):
    """All fields of an update's message; its tensors are sent beside them."""

    request: str = Field(strict=True)
    """Name of the training request that the update answers."""
    site: str = Field(strict=True)
    version: Count
    samples: Count
    label_counts: tuple[tuple[Count, ...], ...]
    loss: float = Field(strict=True)
    quantised: dict[str, QuantisedFields]
    """By name, the tensors that are sent as codes."""
    steps: Count = 0
    """Number of the optimiser's steps, where the rule divides by them."""


def update_message(encoded: EncodedUpdate, request: str) -> Message:
    """Return the message of an update."""
    fields = {
        "request": request,
        "site": encoded.site,
        "version": encoded.version,
        "samples": encoded.samples,
        "label_counts": encoded.label_counts,
        "loss": encoded.loss,
        "quantised": {
            name: {"length": tensor.length, "shape": tensor.shape, "bits": tensor.bits}
            for name, tensor in encoded.tensors.items()
            if isinstance(tensor, QuantisedTensor)
        },
    }
    if encoded.steps:
        fields["steps"] = encoded.steps
    tensors = {name: t.codes if isinstance(t, QuantisedTensor) else t for name, t in encoded.tensors.items()}
    style = {PREFIX + name: values for name, values in encoded.style.items()}
    return Message(
        fields, {**tensors, **style, **{GRADIENT + name: t for name, t in encoded.gradient.items()}}
    )


def update_of(message: Message) -> tuple[str, EncodedUpdate]:
    """Return the request that an update answers, and the update.

    Raise FederationError where a field is missing, unknown or out of range, or where the codes of a quantised tensor
    do not fit its shape.
    """
    try:
        fields = UpdateFields.model_validate(message.fields)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise FederationError(f"an update cannot be read ({where}: {problem['msg']})") from None
    if unknown := fields.quantised.keys() - message.tensors.keys():
        raise FederationError(f"an update cannot be read (it lacks the codes of {sorted(unknown)[0]!r})")
    sent, style = parted(message.tensors)
    gradient = {n.removeprefix(GRADIENT): t for n, t in sent.items() if n.startswith(GRADIENT)}
    tensors = {
        name: _tensor(name, codes, fields) for name, codes in sent.items() if not name.startswith(GRADIENT)
    }
    own = fields.model_dump(exclude={"request", "quantised"})
    return fields.request, EncodedUpdate(tensors=tensors, style=style, gradient=gradient, **own)


def _tensor(name: str, sent: NDArray[Any], fields: UpdateFields) -> NDArray[Any] | QuantisedTensor:
    how = fields.quantised.get(name)
    if how is None:
        return sent
    size = -(-prod(how.shape) * how.bits // 8)
    if sent.dtype != np.uint8 or sent.shape != (size,):
        raise FederationError(
            f"an update cannot be read ({name!r}: {sent.dtype} of shape {sent.shape} instead of {size} bytes of codes)"
        )
    return QuantisedTensor(how.length, sent, how.shape, how.bits)
