from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedbragg.errors import ModelFileError
from fedbragg.tasks.tags.healing.healed import FilledBy, GappedImage
from fedbragg.tasks.tags.healing.network.card import HealingCard
from fedbragg.tasks.tags.healing.network.healer import TILE, Healer, default_model

from ..conftest import bars, drawn, without


@pytest.fixture(scope="module")
def healer() -> Healer:
    return Healer(default_model())


def test_the_packaged_model_is_small_and_says_how_it_was_made(healer: Healer) -> None:
    assert default_model().stat().st_size <= 1_500_000
    assert healer.card.provenance["made_by"] == "scripts/build-healing-model"


def test_rings_go_on_through_gaps_of_an_image_of_several_tiles(healer: Healer) -> None:
    beam = (200.3, 120.6)
    light = drawn(lambda r, _: 50 + 1000 * np.exp(-r / 60), (150, TILE + 90), beam)
    counts = np.random.default_rng(1).poisson(light).astype(np.float32)
    gap = bars(counts.shape)
    healed = healer(without(counts, gap))
    assert (healed.counts[~gap] == counts[~gap]).all()
    assert (healed.steps[gap] == FilledBy.NETWORK).all()
    error = np.abs(healed.counts - light)[gap] / light[gap]
    assert np.median(error) < 0.1


def test_a_gap_at_the_edge_stays_unfilled(healer: Healer) -> None:
    measured = np.ones((60, 70), np.bool_)
    measured[:20] = False
    healed = healer(GappedImage(np.where(measured, np.float32(9), np.float32(0)), measured))
    assert np.isnan(healed.counts[:19, 30]).all()
    assert (healed.steps[:19, 30] == FilledBy.UNFILLED).all()


def test_an_image_without_gaps_comes_back(healer: Healer) -> None:
    counts = np.arange(900, dtype=np.float32).reshape(30, 30)
    healed = healer(GappedImage(counts, np.ones(counts.shape, np.bool_)))
    assert (healed.counts == counts).all()


def test_a_card_reads_back() -> None:
    card = HealingCard(provenance={"seed": 92})
    assert HealingCard.from_json(card.to_json()) == card


def test_a_model_of_another_task_is_refused(tag_model: Path) -> None:
    with pytest.raises(ModelFileError, match=r"task tags, not of healing\. .*scripts/build-healing-model"):
        Healer(tag_model)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_text("beam lost at 4 am\n")
    with pytest.raises(ModelFileError):
        Healer(tmp_path / "model.onnx")
