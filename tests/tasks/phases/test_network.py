"""phasenet samples at the lines of a phase; its model file gives the same answers without torch."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fedbragg.errors import ModelFileError
from fedbragg.learn.state import state_of
from fedbragg.simulation.powder import shipped_phases
from fedbragg.tasks import phases
from fedbragg.tasks.hits import default_model
from fedbragg.tasks.phases.model_card import PhaseCard, strongest_lines
from fedbragg.tasks.phases.model_file import Identifier, save_phases_model
from fedbragg.tasks.phases.network import (
    EVIDENCE,
    FEATURES,
    STRAINS,
    STRIDE,
    Comb,
    CombReader,
    ExportedNetwork,
    PhaseNet,
    comb_of,
)
from fedbragg.tasks.phases.prepare import PatternSettings

SETTINGS = PatternSettings()


def card() -> PhaseCard:
    lines = tuple(strongest_lines(p.name, p.q(), p.intensity, SETTINGS) for p in shipped_phases())
    return PhaseCard(lines, 0.5608, SETTINGS, provenance={"seed": 1})


def network(seed: int = 0) -> PhaseNet:
    torch.manual_seed(seed)
    combs = [comb_of(p.q, p.strength, SETTINGS.q_low, SETTINGS.step) for p in card().phases]
    return PhaseNet(combs, SETTINGS.points).eval()


def test_a_comb_has_its_places_at_the_lines() -> None:
    """Without strain, place times stride and step gives q; the lines of a larger cell are at smaller q."""
    q = np.array([1.5, 3.0])
    comb = comb_of(q, np.array([2.0, 1.0]), SETTINGS.q_low, SETTINGS.step)
    middle = comb.places[len(STRAINS) // 2] * STRIDE * SETTINGS.step + SETTINGS.q_low
    np.testing.assert_allclose(middle, q)
    assert (comb.places[-1] < comb.places[0]).all()
    assert comb.strength.tolist() == [1.0, 0.5]


def test_a_comb_reader_interpolates_and_ignores_places_off_the_grid() -> None:
    """Where features rise linearly, interpolation is exact; places off the grid read zero."""
    comb = Comb(np.array([[2.25, 40.0]]), np.array([1.0, 1.0]))
    reader = CombReader(comb, 20)
    seen: list[torch.Tensor] = []
    reader.weigh.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    ramp = torch.arange(20.0).repeat(1, FEATURES, 1)
    evidence, weights = reader(ramp)
    assert evidence.shape == (1, EVIDENCE)
    assert weights.tolist() == [[1.0]]
    read = seen[0].reshape(FEATURES, 2)
    np.testing.assert_allclose(read[:, 0].detach(), 2.25 * 1.25, rtol=1e-5)
    np.testing.assert_allclose(read[:, 1].detach(), 0.0)


def test_coinciding_lines_count_as_one() -> None:
    q, intensity = np.array([2.0, 2.005, 3.0, 9.0]), np.array([1.0, 3.0, 2.0, 50.0])
    lines = strongest_lines("made", q, intensity, SETTINGS)
    np.testing.assert_allclose(lines.q, [2.00375, 3.0])
    np.testing.assert_allclose(lines.strength, [1.0, 0.5])


def test_the_model_file_answers_as_the_network(tmp_path: Path) -> None:
    net = network()
    save_phases_model(tmp_path / "m.onnx", ExportedNetwork(net), card(), state_of(net))
    identifier = Identifier(tmp_path / "m.onnx")
    view = np.random.default_rng(0).normal(size=(3, SETTINGS.points)).astype(np.float32)
    with torch.no_grad():
        logits, weights = net(torch.from_numpy(view[None]))
    found = identifier(view)
    np.testing.assert_allclose(found.probabilities, torch.sigmoid(logits)[0], atol=1e-5)
    np.testing.assert_allclose(found.strains, (weights[0].numpy() * STRAINS).sum(axis=1), atol=1e-6)
    assert identifier.card.names == ("bastnaesite", "calcite", "rhenium")
    np.testing.assert_allclose(identifier.card.phases[1].q, card().phases[1].q, atol=1e-5)


def test_the_shipped_model_knows_the_three_phases() -> None:
    identifier = Identifier(phases.default_model())
    assert identifier.card.names == ("bastnaesite", "calcite", "rhenium")
    assert identifier.card.provenance["data"] == "simulated"
    assert (identifier(np.zeros((3, SETTINGS.points), np.float32)).probabilities < 0.5).all()


def test_a_file_that_is_no_phases_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(ModelFileError, match="not a model file"):
        Identifier(tmp_path / "text.onnx")
    with pytest.raises(ModelFileError, match="no such model file"):
        Identifier(tmp_path / "none.onnx")
    with pytest.raises(ModelFileError, match="task hits, not of phases"):
        Identifier(default_model())


def test_a_card_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="another version"):
        PhaseCard.from_json(card().to_json().replace('"format": 1', '"format": 2'))
