"""What a site announces to its people before it sends is what it sends."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from softmax import skewed_problem

from fedbragg.config import Federation, StyleSettings
from fedbragg.errors import FederationError
from fedbragg.federation.engines.remote.outgoing import OutgoingMessage, outgoing_messages, shapes_of
from fedbragg.federation.engines.remote.protocol import encode_message, split_message
from fedbragg.federation.engines.remote.update_message import update_message
from fedbragg.federation.wire import encode
from fedbragg.styles import PREFIX


def settings(**rules: Any) -> Federation:
    return Federation.model_validate(
        {"federation": rules, "sites": [{"name": "a", "runs": ["-"], "labels": "-"}]}
    )


def announced(federation: Federation, model: Any, sites: int = 3) -> list[OutgoingMessage]:
    given = federation.model_dump(mode="json", exclude={"sites", "server"})
    return outgoing_messages(given, "site0", sites, json.loads(json.dumps(shapes_of(model))))


@pytest.mark.parametrize(
    "rules",
    [
        {"compression": "full"},
        {"compression": "half"},
        {"compression": "quantised", "compression_bits": 2},
        {"compression": "quantised", "compression_bits": 8},
        {"compression": "half", "clip": 0.1},
    ],
)
def test_an_update_holds_the_tensors_and_the_bytes_that_were_announced(rules: dict[str, Any]) -> None:
    problem, federation = skewed_problem(), settings(**rules)
    # A layer with BatchNorm's statistics and a number without dimensions beside the network of the test.
    extra = {"norm.running_mean": np.ones(5, np.float32), "steps": np.array(7, np.int64)}
    model = {**problem.initial, **extra}
    update = problem.sites[0].train(model, 0, 1)
    update = dataclasses.replace(update, tensors={**update.tensors, **extra})
    message = update_message(encode(update, federation.federation, np.random.default_rng(1)), "18d0c0a5f3e-1")
    _, document = split_message(payload := encode_message(message), "", "")

    said = announced(federation, model)[0]
    assert (said.topic, set(said.fields)) == ("update", set(message.fields))
    assert said.document == len(document)
    assert {(each.name, each.dtype, each.shape, each.nbytes) for each in said.tensors} == {
        (name, str(tensor.dtype), tensor.shape, tensor.nbytes) for name, tensor in message.tensors.items()
    }
    assert 0 < len(payload) - len(document) < 1000


def test_bytes_by_hand() -> None:
    model = {"w": np.zeros((8, 3), np.float32), "b": np.zeros(3, np.float32)}
    full, half, coded = (
        {each.name: each.nbytes for each in announced(settings(**rules), model)[0].tensors}
        for rules in ({}, {"compression": "half"}, {"compression": "quantised", "compression_bits": 4})
    )
    assert (full, half) == ({"w": 96, "b": 12}, {"w": 48, "b": 6})
    assert coded == {"w": 12, "b": 2}  # 4 bits a number, whole bytes


def test_with_masks_a_vector_leaves_in_place_of_the_update() -> None:
    federation = Federation.model_validate(
        {
            "federation": {"schedule": "sync", "clip": 10.0},
            "privacy": {"secure": True},
            "sites": [{"name": "a", "runs": ["-"], "labels": "-"}],
        }
    )
    topics = [each.topic for each in announced(federation, skewed_problem().initial)]
    assert "update" not in topics
    vector = announced(federation, skewed_problem().initial)[topics.index("answer")]
    # FedKL is the mean of two weighted means: each has the 27 numbers, and an amount and a loss.
    assert [(each.name, each.dtype, each.shape) for each in vector.tensors] == [
        ("counts", "uint64", (4,)),
        ("numbers", "uint32", (54,)),
    ]


def test_a_style_is_announced_where_the_federation_asks_for_it() -> None:
    federation = settings().model_copy(update={"style": StyleSettings(share="spectrum")})
    assert "at most 4096 numbers of 4 bytes" in announced(federation, skewed_problem().initial)[0].more
    assert announced(settings(), skewed_problem().initial)[0].more == ""


def test_other_sites_styles_are_not_taken_for_weights() -> None:
    model = {**skewed_problem().initial, f"{PREFIX}north:levels": np.zeros(6, np.float32)}
    assert set(shapes_of(model)) == {"weight", "bias"}


def test_before_the_model_is_known_fields_are_announced_without_tensors() -> None:
    said = announced(settings(), {})
    assert (said[0].topic, said[0].tensors, said[0].document) == ("update", (), 0)
    assert {each.topic for each in said} == {
        "update",
        "poll",
        "settings",
        "model",
        "failure",
        "veto",
        "final",
        "leave",
    }


def test_an_absurd_model_is_refused_before_memory_is_taken() -> None:
    given = settings().model_dump(mode="json", exclude={"sites", "server"})
    with pytest.raises(FederationError, match="a model of more than"):
        outgoing_messages(given, "a", 3, {"w": ("float32", [1 << 20, 1 << 20])})
