"""FedPAQ's quantiser."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fedbragg.federation.quantise import dequantise, quantise
from fedbragg.state_arithmetic import BLOCK


def normal(size: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=size).astype(np.float32)


@pytest.mark.parametrize(("bits", "nbytes"), [(8, 1000), (4, 500), (2, 250)])
def test_codes_take_the_bytes_they_claim(bits: int, nbytes: int) -> None:
    quantised = quantise(normal(1000), bits, np.random.default_rng(0))
    assert len(quantised.codes.tobytes()) == nbytes
    assert quantised.nbytes == nbytes + 4


def test_numbers_on_a_level_are_exact() -> None:
    # |V| = 5 and s = 1 level at 2 bits: +-5 and 0 are levels.
    tensor = np.array([0.0, 5.0, 0.0], dtype=np.float32)
    assert dequantise(quantise(tensor, 2, np.random.default_rng(0))).tolist() == [0.0, 5.0, 0.0]


@given(
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=40),
    st.sampled_from([2, 4, 8]),
    st.integers(0, 99),
)
@example([1.9201148069205926e-25], 2, 0)  # its square is no float32
@example([1e-40, 0.0], 8, 0)
def test_every_number_lands_on_one_of_the_two_levels_around_it(values, bits: int, seed: int) -> None:
    tensor = np.array(values, dtype=np.float32)
    quantised = quantise(tensor, bits, np.random.default_rng(seed))
    gap = quantised.length / (2 ** (bits - 1) - 1)
    assert np.all(np.abs(dequantise(quantised) - tensor) <= gap * (1 + 1e-4) + 1e-30)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_the_quantiser_is_unbiased_and_its_variance_within_qsgds_bound(bits: int) -> None:
    generator, tensor = np.random.default_rng(5), normal(60)
    received = np.array([dequantise(quantise(tensor, bits, generator)) for _ in range(4000)])
    error = received.std(axis=0) / np.sqrt(len(received))
    assert np.all(np.abs(received.mean(axis=0) - tensor) <= 5 * error + 1e-6)
    levels, dimensions = 2 ** (bits - 1) - 1, tensor.size
    bound = min(dimensions / levels**2, np.sqrt(dimensions) / levels) * np.sum(tensor**2)
    assert np.mean(np.sum((received - tensor) ** 2, axis=1)) <= bound


def test_a_tensor_longer_than_a_block_is_quantised_throughout() -> None:
    tensor = np.random.default_rng(2).normal(size=2 * BLOCK + 5).astype(np.float32)
    quantised = quantise(tensor, 8, np.random.default_rng(0))
    assert np.abs(dequantise(quantised) - tensor).max() <= quantised.length / 127 * 1.001
