"""Checkpoints: complete at any moment, read back exactly, also those of earlier versions; foreign ones are refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedbragg.errors import FederationError
from fedbragg.federation import RecordingSettings, federate
from fedbragg.federation.checkpoint import CheckpointStore, Saved, fingerprint

VERSION_0_1 = Path(__file__).parent / "data" / "checkpoint-of-version-0.1"
"""Written by commit 8184063 at the first of three barriers of the federation in the test below."""


def test_a_checkpoint_of_version_0_1_is_resumed_to_the_same_model(
    make_problem, settings, tmp_path: Path
) -> None:
    shutil.copytree(VERSION_0_1, tmp_path / "checkpoints")
    problem = make_problem(sizes=(20, 12), speeds=(2.0, 1.0))
    rules = settings(schedule="sync", barriers=3, workers=1)
    training = rules.training.model_copy(update={"learning_rate": 1e-3})  # the default of version 0.1
    rules = rules.model_copy(update={"training": training})
    whole = federate(rules, problem.sites, problem.initial)
    problem = make_problem(sizes=(20, 12), speeds=(2.0, 1.0))
    recording = RecordingSettings(checkpoints=tmp_path / "checkpoints")
    resumed = federate(rules, problem.sites, problem.initial, recording=recording)
    assert [version for version, _ in problem.sites[0].calls] == [1, 2]  # the first round is not repeated
    assert resumed.barriers == 3
    for name, tensor in whole.model.items():
        # Close rather than equal: the machine that wrote the file may have had another BLAS.
        np.testing.assert_allclose(resumed.model[name], tensor, rtol=0, atol=1e-12)


def test_a_half_written_checkpoint_is_ignored(problem, settings, tmp_path: Path) -> None:
    (tmp_path / ".checkpoint.json.unfinished").write_text("{")
    (tmp_path / ".model-0001.safetensors.unfinished").write_bytes(b"\x00")
    recording = RecordingSettings(checkpoints=tmp_path)
    outcome = federate(settings(barriers=1), problem.sites, problem.initial, recording=recording)
    assert outcome.barriers == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.json", "model-0001.safetensors"]


def test_the_record_is_json_even_after_a_loss_that_is_no_number(problem, settings, tmp_path: Path) -> None:
    train = problem.sites[0].train
    problem.sites[0].train = lambda *arguments: replace(train(*arguments), loss=float("nan"))
    recording = RecordingSettings(checkpoints=tmp_path)
    federate(settings(barriers=1), problem.sites, problem.initial, recording=recording)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    record = json.loads((tmp_path / "checkpoint.json").read_text(), parse_constant=refuse)
    assert any(line["event"] == "rejected" for line in record["history"])


def test_a_tensor_without_dimensions_is_restored_as_one(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, "one")
    store.save(Saved({"count": np.array(5), "w": np.ones((2, 3))[:, ::2]}, {"barrier": 1}, [], 0.0))
    restored = store.load()
    assert restored is not None
    assert restored.model["count"].shape == ()
    assert np.array_equal(restored.model["w"], np.ones((2, 2)))


def test_a_checkpoint_of_another_federation_is_refused(problem, settings, tmp_path: Path) -> None:
    recording = RecordingSettings(checkpoints=tmp_path)
    federate(settings(barriers=1), problem.sites, problem.initial, recording=recording)
    with pytest.raises(FederationError, match="Give another folder"):
        federate(settings(barriers=2), problem.sites, problem.initial, recording=recording)


@pytest.mark.parametrize("content", [b"", bytes(20), None], ids=["empty", "damaged", "missing"])
def test_a_checkpoint_without_its_model_is_refused_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    store = CheckpointStore(tmp_path, "one")
    store.save(Saved({"w": np.ones(3)}, {"barrier": 1}, [], 0.0))
    model = tmp_path / "model-0001.safetensors"
    model.unlink() if content is None else model.write_bytes(content)
    with pytest.raises((FederationError, OSError), match="model-0001"):
        store.load()


def test_the_fingerprint_changes_with_settings_sites_and_shapes_but_not_with_workers(settings) -> None:
    model = {"w": np.zeros((2, 3), np.float32)}
    one = fingerprint(settings(), ["a"], model)
    assert fingerprint(settings(workers=7), ["a"], model) == one
    assert fingerprint(settings(seed=2), ["a"], model) != one
    assert fingerprint(settings(), ["b"], model) != one
    assert fingerprint(settings(), ["a"], {"w": np.zeros((3, 2), np.float32)}) != one
