"""Encoding of updates for the way to the server."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from fedbragg.config import FederationSettings
from fedbragg.federation import federate
from fedbragg.federation.wire import EncodedUpdate, decode, encode
from fedbragg.types import Update


def an_update(size: int = 1000) -> Update:
    generator = np.random.default_rng(1)
    tensors = {
        "w": generator.normal(size=size).astype(np.float32),
        "bn.running_var": np.array([0.5, 2.0], dtype=np.float32),
        "bn.num_batches_tracked": np.array(7, dtype=np.int64),
    }
    return Update("site", 3, tensors, 40, ((30, 10),), 0.7)


def test_an_encoded_update_has_the_fields_of_an_update_and_no_others() -> None:
    assert [field.name for field in fields(EncodedUpdate)] == [field.name for field in fields(Update)]


@pytest.mark.parametrize(("compression", "nbytes"), [("full", 4000), ("half", 2000), ("quantised", 1004)])
def test_statistics_and_counters_are_sent_unchanged(compression: str, nbytes: int) -> None:
    update = an_update()
    encoded = encode(update, FederationSettings(compression=compression), np.random.default_rng(0))
    assert encoded.tensors["w"].nbytes == nbytes
    received = decode(encoded)
    assert np.array_equal(received.tensors["bn.running_var"], update.tensors["bn.running_var"])
    assert received.tensors["bn.num_batches_tracked"] == 7
    assert (received.samples, received.label_counts, received.loss) == (40, ((30, 10),), 0.7)


@pytest.mark.parametrize(
    "rules", [{"compression": "half"}, {"aggregation": "fedpaq"}, {"compression": "quantised"}]
)
def test_compressed_updates_still_train(problem, settings, rules) -> None:
    full = federate(settings(schedule="sync"), problem.sites, problem.initial)
    compressed = federate(settings(schedule="sync", **rules), problem.sites, problem.initial)
    before, after = (sum(line.get("bytes", 0) for line in o.history) for o in (full, compressed))
    assert after < before / 3  # float64 here
    assert problem.evaluate(compressed.model)["accuracy"] > problem.evaluate(full.model)["accuracy"] - 0.05
