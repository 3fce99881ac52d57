"""Work out what a site will send, before it sends anything.

An update of zeros goes through the code that encodes real updates, so what is announced here cannot differ from what
is sent later: names, types, shapes and bytes of the tensors are exact. The text beside them, a few hundred bytes,
varies with the digits of its numbers and with the label counts of the task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from fedbragg.config import Federation
from fedbragg.errors import FederationError
from fedbragg.federation.engines.remote.protocol import Message, encode_message
from fedbragg.federation.engines.remote.update_message import update_message
from fedbragg.federation.plan import Plan
from fedbragg.federation.rules import rule_of
from fedbragg.federation.secure.encoding import encoded
from fedbragg.federation.secure.fixed_point import Vector
from fedbragg.federation.secure.messages import MaskedVector
from fedbragg.federation.secure.terms import Terms
from fedbragg.federation.tensors import encode_tensors
from fedbragg.federation.wire import encode
from fedbragg.styles import MOST, parted
from fedbragg.types import State, Update

Shapes = Mapping[str, tuple[str, Sequence[int]]]
"""Type and shape of each tensor of a model, by its name."""
REQUEST = "18d0c0a5f3e2b1c4-100"
"""A request's name of the usual length."""
STYLE = f"unless the site's own file forbids it, how its pictures look: at most {MOST} numbers of 4 bytes"
"""The style's shapes are the task's, which this package does not know."""
GRADIENT = "the gradient of its loss at the model that came: at most as many numbers as the model has"
"""The task alone knows which of a model's tensors are trained."""
LARGEST = 1 << 28
"""Size in numbers of the largest model for which this is done."""


@dataclass(frozen=True, slots=True)
class OutgoingTensor:
    """One tensor of a message."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message that a site sends for each training, or on another occasion."""

    topic: str
    when: str
    fields: tuple[str, ...]
    text: int | None  # approximate bytes of its fields; None where they are known only on sending
    tensors: tuple[OutgoingTensor, ...] = ()
    document: int = 0  # bytes of the safetensors document with the tensors, exact
    more: str = ""  # further content, in words


def shapes_of(model: State) -> dict[str, tuple[str, list[int]]]:
    """Return type and shape of each tensor of a model that the server sent, without other sites' styles."""
    return {name: (str(tensor.dtype), list(tensor.shape)) for name, tensor in parted(model)[0].items()}


def outgoing_messages(
    settings: Mapping[str, Any], site: str, sites: int, model: Shapes
) -> list[OutgoingMessage]:
    """Return the messages of ``site`` in a federation of ``sites`` sites with these settings, as the server gives them.

    ``model`` may be empty: then the tensors are not known yet. Raises ValueError for settings of
    another version, FederationError for a model that cannot be sent.
    """
    federation = Federation.model_validate(
        {**settings, "sites": [{"name": site, "runs": ["-"], "labels": "-"}]}
    )
    of_training = (
        _masked(federation, sites, model) if federation.privacy.secure else _plain(federation, site, model)
    )
    return [*of_training, *occasional_messages()]


def occasional_messages() -> list[OutgoingMessage]:
    """Return the messages without tensors that a client sends in any federation, or without one."""
    client, reason = "0" * 12, "the trainer was killed (SIGKILL)"
    return [
        _message("poll", "at each heartbeat", Message({"client": client, "sending": False})),
        _message("settings", "when it enters a federation", Message({})),
        _message("model", "before each training, to fetch the model", Message({"request": REQUEST})),
        _message("failure", "in place of an update, when training fails or is refused",
                 Message({"request": REQUEST, "reason": reason})),
        _message("veto", "in place of an update, when the site's own limits refuse the model",
                 Message({"request": REQUEST, "reason": reason})),
        _message("final", "when the federation has ended, to fetch the model", Message({})),
        _message("leave", "when it ends", Message({"client": client})),
    ]  # fmt: skip


def _plain(federation: Federation, site: str, model: Shapes) -> list[OutgoingMessage]:
    terms = rule_of(federation.federation).local_terms(federation.federation)
    more = [STYLE] if federation.style.share != "off" else []
    more += [GRADIENT] if terms.sends_gradient else []
    steps = 100 if terms.sends_steps else 0
    update = Update(site, 100, _zeros(model), 1000, ((500, 500),), 0.1234567890123456, steps=steps)
    sent = encode(update, federation.federation, np.random.default_rng(0))
    message = _message("update", "after each training", update_message(sent, REQUEST))
    return [replace(message, more="; ".join(more))]


def _masked(federation: Federation, sites: int, model: Shapes) -> list[OutgoingMessage]:
    layout = Terms.of(Plan.of(federation), sites, _zeros(model)).layout
    fields, arrays = encoded(MaskedVector(Vector.zero(layout)))
    message = Message({"number": 1, "position": 100, "sum": fields}, arrays if model else {})
    keys = ("request", "sum")
    return [
        OutgoingMessage("trained", "after each training: public keys", keys, None),
        _message("answer", "in each sum: the update under masks", message),
        OutgoingMessage(
            "answer", "in each sum: encrypted shares, a signature, opened shares", tuple(message.fields), None
        ),
    ]


def _message(topic: str, when: str, message: Message) -> OutgoingMessage:
    document = len(encode_tensors(message.tensors)) if message.tensors else 0
    tensors = tuple(
        OutgoingTensor(name, str(tensor.dtype), tensor.shape, tensor.nbytes)
        for name, tensor in sorted(message.tensors.items())
    )
    text = None if tensors else len(encode_message(message))
    return OutgoingMessage(topic, when, tuple(sorted(message.fields)), text, tensors, document)


def _zeros(model: Shapes) -> State:
    if sum(prod(shape) for _, shape in model.values()) > LARGEST:  # a server may announce anything
        raise FederationError(f"the server announces a model of more than {LARGEST} numbers")
    return {name: np.zeros(tuple(shape), dtype) for name, (dtype, shape) in model.items()}
