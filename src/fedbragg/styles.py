"""A site's style: a few numbers beside an update, passed on to the other sites with the next model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from fedbragg.errors import UpdateRejected
from fedbragg.types import State

T = TypeVar("T")
PREFIX = "style:"
"""Begins the names of styles among a model's tensors; no network has such a name."""
MOST = 4096
"""Numbers in a site's style, far fewer than a picture has pixels."""


def check_style(style: State) -> None:
    """Raise UpdateRejected for a style that may be something else: not float32, or more numbers than MOST."""
    for name, values in style.items():
        if not isinstance(values, np.ndarray) or values.dtype != np.float32:
            raise UpdateRejected(f"its style {name!r} is not an array of float32")
    numbers = sum(values.size for values in style.values())
    if numbers > MOST:
        raise UpdateRejected(f"its style holds {numbers} numbers; a style has at most {MOST}")


def with_styles(model: State, styles: Mapping[str, State]) -> State:
    """Return a model with the styles of sites, by their names, as tensors beside the weights."""
    beside = {
        f"{PREFIX}{site}:{name}": values for site, style in styles.items() for name, values in style.items()
    }
    return {**model, **beside} if beside else model


def parted(tensors: Mapping[str, T]) -> tuple[dict[str, T], dict[str, T]]:
    """Return tensors, or facts about each, without those of styles, and those of styles without PREFIX."""
    others = {name: tensor for name, tensor in tensors.items() if not name.startswith(PREFIX)}
    return others, {n.removeprefix(PREFIX): t for n, t in tensors.items() if n.startswith(PREFIX)}


def split_styles(model: State) -> tuple[State, list[State]]:
    """Return the weights of a model that was sent, and the styles beside them, in the order of the sites."""
    weights, beside = parted(model)
    styles: dict[str, dict[str, Any]] = {}
    for name, values in beside.items():
        site, _, kind = name.rpartition(":")
        styles.setdefault(site, {})[kind] = values
    return weights, list(styles.values())


def style_record(style: State) -> dict[str, Any]:
    """Return a style as JSON, exact."""
    return {name: {"shape": v.shape, "float32": v.tobytes().hex()} for name, v in style.items()}


def style_of_record(record: Mapping[str, Any]) -> State:
    """Return the style that JSON holds."""
    return {
        name: np.frombuffer(bytes.fromhex(entry["float32"]), np.float32).reshape(entry["shape"])
        for name, entry in record.items()
    }
