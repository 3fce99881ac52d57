"""Versions of the global model: age, and updates expressed from another version."""

from __future__ import annotations

import numpy as np
import pytest

from fedbragg.federation.versions import Versions


def model(value: float) -> dict[str, np.ndarray]:
    return {"w": np.array([value], dtype=np.float32), "count": np.array(int(value))}


def test_age_counts_changes_of_the_model_and_not_versions() -> None:
    versions = Versions(model(0))
    versions.advance(versions.newest, in_use={0})  # an update that waits in a buffer
    assert (versions.number, versions.age(0)) == (1, 0)
    versions.advance(model(1), in_use={0, 1})
    assert (versions.number, versions.age(0), versions.age(1)) == (2, 1, 1)


def test_an_update_is_rebased_by_the_difference_of_the_models() -> None:
    """A site that starts at 2 and moves by 0.5 is at 2.5, which is 1.5 from 1."""
    versions = Versions(model(2))
    rebased = versions.rebased(0, {"w": np.array([0.5], dtype=np.float32)}, model(1))
    assert rebased["w"] == pytest.approx([1.5])
    update = {"w": np.array([0.5])}
    assert versions.rebased(0, update, versions.newest) is update


def test_only_versions_in_use_are_held() -> None:
    versions = Versions(model(0))
    versions.advance(model(1), in_use={0})
    versions.advance(model(2), in_use={1})
    assert versions.model(1)["w"] == [1]
    with pytest.raises(KeyError):
        versions.model(0)
    versions.pass_barrier(model(3))
    assert versions.barrier_model is versions.newest
    with pytest.raises(KeyError):
        versions.model(2)
