"""How updates travel: packed integers, half precision, BatchNorm left at home."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fedbragg.config import FederationSettings
from fedbragg.federation import federate
from fedbragg.federation.local_batchnorm import KeepsNorms, norm_names
from fedbragg.federation.quantise import packed, unpacked
from fedbragg.federation.wire import Parcel, opened, sealed
from fedbragg.state_arithmetic import BLOCK
from fedbragg.types import Update


def an_update(size: int = 1000) -> Update:
    generator = np.random.default_rng(1)
    tensors = {
        "w": generator.normal(size=size).astype(np.float32),
        "bn.running_var": np.array([0.5, 2.0], dtype=np.float32),
        "bn.num_batches_tracked": np.array(7, dtype=np.int64),
    }
    return Update("site", 3, tensors, 40, ((30, 10),), 0.7)


def test_a_parcel_has_the_fields_of_an_update_and_no_others() -> None:
    assert [field.name for field in fields(Parcel)] == [field.name for field in fields(Update)]


@pytest.mark.parametrize(("bits", "nbytes"), [(8, 1000), (4, 500), (2, 250)])
def test_codes_take_the_bytes_they_claim(bits: int, nbytes: int) -> None:
    parcel = packed(an_update().tensors["w"], bits, np.random.default_rng(0))
    assert len(parcel.codes.tobytes()) == nbytes
    assert parcel.nbytes == nbytes + 4


def test_levels_worked_by_hand_survive_the_way() -> None:
    # |V| = 5 and s = 1 level at 2 bits: +-5 and 0 travel exactly.
    tensor = np.array([0.0, 5.0, 0.0], dtype=np.float32)
    assert unpacked(packed(tensor, 2, np.random.default_rng(0))).tolist() == [0.0, 5.0, 0.0]


@given(
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=40),
    st.sampled_from([2, 4, 8]),
    st.integers(0, 99),
)
@example([1.9201148069205926e-25], 2, 0)  # its square is no float32
@example([1e-40, 0.0], 8, 0)
def test_every_number_lands_on_one_of_the_two_levels_around_it(values, bits: int, seed: int) -> None:
    tensor = np.array(values, dtype=np.float32)
    parcel = packed(tensor, bits, np.random.default_rng(seed))
    gap = parcel.length / (2 ** (bits - 1) - 1)
    assert np.all(np.abs(unpacked(parcel) - tensor) <= gap * (1 + 1e-4) + 1e-30)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_quantiser_is_unbiased_and_its_variance_within_qsgds_bound(bits: int) -> None:
    generator, tensor = np.random.default_rng(5), an_update(60).tensors["w"]
    received = np.array([unpacked(packed(tensor, bits, generator)) for _ in range(4000)])
    error = received.std(axis=0) / np.sqrt(len(received))
    assert np.all(np.abs(received.mean(axis=0) - tensor) <= 5 * error + 1e-6)
    levels, dimensions = 2 ** (bits - 1) - 1, tensor.size
    bound = min(dimensions / levels**2, np.sqrt(dimensions) / levels) * np.sum(tensor**2)
    assert np.mean(np.sum((received - tensor) ** 2, axis=1)) <= bound


def test_a_tensor_longer_than_a_block_is_packed_throughout() -> None:
    tensor = np.random.default_rng(2).normal(size=2 * BLOCK + 5).astype(np.float32)
    parcel = packed(tensor, 8, np.random.default_rng(0))
    assert np.abs(unpacked(parcel) - tensor).max() <= parcel.length / 127 * 1.001


@pytest.mark.parametrize(("travel", "nbytes"), [("full", 4000), ("half", 2000), ("quantised", 1004)])
def test_statistics_and_counters_travel_as_they_are(travel: str, nbytes: int) -> None:
    update = an_update()
    parcel = sealed(update, FederationSettings(travel=travel), np.random.default_rng(0))
    assert parcel.tensors["w"].nbytes == nbytes
    received = opened(parcel)
    assert np.array_equal(received.tensors["bn.running_var"], update.tensors["bn.running_var"])
    assert received.tensors["bn.num_batches_tracked"] == 7
    assert (received.samples, received.label_counts, received.loss) == (40, ((30, 10),), 0.7)


@pytest.mark.parametrize("rules", [{"travel": "half"}, {"aggregation": "fedpaq"}, {"travel": "quantised"}])
def test_learning_survives_the_way(problem, settings, rules) -> None:
    full = federate(settings(schedule="sync"), problem.sites, problem.initial)
    thin = federate(settings(schedule="sync", **rules), problem.sites, problem.initial)
    before, after = (sum(line.get("bytes", 0) for line in o.history) for o in (full, thin))
    assert after < before / 3  # float64 here
    assert problem.evaluate(thin.model)["accuracy"] > problem.evaluate(full.model)["accuracy"] - 0.05


class NormSite:
    """Adds its own number to every tensor."""

    samples, speed = 10, 1.0

    def __init__(self, name: str, step: float) -> None:
        self.name, self.step = name, step
        self.started_from: list[dict] = []

    def train(self, model, version, epochs) -> Update:
        self.started_from.append({name: float(tensor[0]) for name, tensor in model.items()})
        tensors = {name: np.full_like(tensor, self.step) for name, tensor in model.items()}
        return Update(self.name, version, tensors, self.samples, ((5, 5),), 1.0)


def test_fedbn_learns_all_but_the_norms_together(settings) -> None:
    names = ["conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"]
    initial = {name: np.zeros(2) for name in names}
    assert norm_names(initial) == set(names[1:])
    sites = [NormSite("a", 1.0), NormSite("b", 3.0)]
    rules = settings(schedule="sync", keep_norms=True, barriers=2, aggregation="fedavg")
    outcome = federate(rules, sites, initial)
    assert outcome.model["conv.weight"][0] == 4.0  # twice the mean of 1 and 3
    assert outcome.model["bn.weight"][0] == 0.0
    assert sites[1].started_from[1]["conv.weight"] == 2.0
    assert sites[1].started_from[1]["bn.weight"] == 3.0  # its own of before


def test_a_norm_that_leaves_its_site_is_refused(settings) -> None:
    initial = {"conv.weight": np.zeros(2), "bn.weight": np.zeros(2), "bn.running_mean": np.zeros(2)}
    update = KeepsNorms(NormSite("a", 1.0)).train(initial, 0, 1)
    assert list(update.tensors) == ["conv.weight"]
