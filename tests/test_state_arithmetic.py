"""Arithmetic on named tensors."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.state_arithmetic import BLOCK, apply_steps, difference, norm


def test_steps_longer_than_a_block_are_summed_throughout() -> None:
    generator = np.random.default_rng(0)
    start = generator.normal(size=(2, BLOCK + 7))
    parts = [generator.normal(size=start.shape) for _ in range(3)]
    result = apply_steps({"w": start}, [{"w": part} for part in parts], [0.2, 0.3, 0.5])["w"]
    assert result == pytest.approx(start + 0.2 * parts[0] + 0.3 * parts[1] + 0.5 * parts[2])


def test_a_tensor_that_some_steps_lack_is_averaged_over_those_that_have_it() -> None:
    start = {"a": np.zeros(1), "b": np.zeros(1)}
    both, alone = {"a": np.ones(1), "b": np.ones(1)}, {"a": np.full(1, 3.0)}
    result = apply_steps(start, [both, alone], [0.25, 0.75])
    assert result["a"] == pytest.approx(0.25 * 1 + 0.75 * 3)
    assert result["b"] == pytest.approx(1)


def test_differences_of_unsigned_counters_do_not_wrap() -> None:
    assert difference({"n": np.array(3, np.uint8)}, {"n": np.array(5, np.uint8)})["n"] == -2


def test_a_difference_without_dimensions_is_still_an_array() -> None:
    changed = difference({"n": np.array(7), "x": np.array(0.5)}, {"n": np.array(4), "x": np.array(0.25)})
    assert all(isinstance(tensor, np.ndarray) for tensor in changed.values())
    assert (changed["n"], changed["x"]) == (3, 0.25)


def test_the_norm_leaves_counters_out() -> None:
    assert norm({"w": np.array([3.0, 4.0]), "n": np.array(10**6)}) == pytest.approx(5)
