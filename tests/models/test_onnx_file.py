"""Weights in a model file are read back as written, and the packaged models' weights are those of their graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from fedbragg.errors import ModelFileError
from fedbragg.models.onnx_file import KEY, packaged, read_state, task_in
from fedbragg.models.weights import NAMES, WEIGHTS
from fedbragg.simulation.powder import shipped_phases
from fedbragg.tasks import hits, phases
from fedbragg.tasks.hits.learner import network_of
from fedbragg.tasks.hits.surroundings import MEASURES
from fedbragg.tasks.phases.learner import PhaseTraining
from fedbragg.tasks.phases.model_file import Identifier
from fedbragg.tasks.phases.sources import SimulationPlan, simulated


def without(path: Path, target: Path, *keys: str) -> Path:
    """Copy a model file without some of its metadata."""
    model = onnx.load(str(path))
    kept = {entry.key: entry.value for entry in model.metadata_props if entry.key not in keys}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, kept)
    onnx.save(model, str(target))
    return target


def test_a_file_of_version_0_1_opens_but_has_no_weights_to_train_on(tmp_path: Path) -> None:
    old = without(hits.default_model(), tmp_path / "old.onnx", WEIGHTS)
    assert hits.open_model(old).card.network == "spotnet"
    with pytest.raises(ModelFileError, match="holds no weights to train on"):
        read_state(old)


def test_a_file_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="it holds no settings"):
        task_in(without(hits.default_model(), tmp_path / "bare.onnx", KEY))


def test_the_packaged_hit_finders_weights_are_its_graphs() -> None:
    network = network_of(read_state(hits.default_model())).eval()
    scorer = hits.open_model(hits.default_model()).scorer
    generator = np.random.default_rng(1)
    measures = generator.random((40, MEASURES), np.float32)
    with torch.no_grad():
        expected = torch.sigmoid(network.hit(network.votes(network.spots(torch.from_numpy(measures))).sum()))
    score, _ = scorer._session.run(None, {"measures": measures})
    assert float(score) == pytest.approx(float(expected), abs=1e-6)


def test_the_packaged_phase_models_weights_are_its_graphs() -> None:
    """The graph's combs come from lines of full precision, the card's lines have five decimals: a few 1e-4."""
    identifier = Identifier(phases.default_model())
    data = simulated(SimulationPlan(shipped_phases()), 20, 4)
    training = PhaseTraining(identifier.card.phases, identifier.card.prepare)
    expected = training.probabilities(read_state(phases.default_model()), data)
    found = np.stack([identifier(view.numpy()).scores for view in data.views])
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_damaged_list_of_weights_is_refused(tmp_path: Path) -> None:
    model = onnx.load(str(hits.default_model()))
    entries = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, entries | {NAMES: '["gone"]'})
    damaged = tmp_path / "damaged.onnx"
    onnx.save(model, str(damaged))
    with pytest.raises(ModelFileError, match="its weights are damaged"):
        read_state(damaged)


def test_a_task_without_a_packaged_model_names_the_script_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"holds no tags model\. Run scripts/make-it, or give --model\."):
        packaged(str(tmp_path / "tags" / "__init__.py"), "scripts/make-it")
