"""A calibrated copy of the packaged model: same network, other card, mapped scores."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedbragg.errors import ModelFileError
from fedbragg.metrics.beta_calibration import ScoreMap
from fedbragg.models.onnx_file import digest
from fedbragg.tasks.hits import default_model
from fedbragg.tasks.hits.calibration_card import Calibration, Levels, Origin, Promise, Spread
from fedbragg.tasks.hits.model_file import Scorer, copy_with_card
from fedbragg.tasks.hits.prepare import prepare
from fedbragg.types import Frame

SPREAD = Spread((0.1, 0.9), (0.25, 1.0), (0.75, 1.0), 2.5)
CALIBRATION = Calibration(
    promise=Promise(0.01, 0.95, "confident", "frame", 300, 300, 0, 0.00993, "hit", 280.5, 2, 400, 390),
    score_map=ScoreMap(1.5, 0.5, -0.25),
    raw_threshold=0.2,
    hit_share=3 / 7,
    scores=SPREAD,
    levels=Levels(SPREAD, ((0.5, 2.0), (90.0, 160.0)), 0.03),
    origin=Origin("0.1.0", "a" * 64, "b" * 64, "2026-11-21"),
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("model") / "deep" / "calibrated.onnx"
    card = replace(Scorer(default_model()).card, threshold=0.125, calibration=CALIBRATION)
    copy_with_card(default_model(), target, card)
    return target


def frames() -> list[Frame]:
    """Empty ones, and ones with spots."""
    made = []
    for index in range(4):
        counts = np.random.default_rng(index).poisson(2, (128, 160)).astype(np.uint16)
        for spot in range(6 * index):
            row, column = 20 + 20 * (spot // 6), 20 + 20 * (spot % 6)
            counts[row - 1 : row + 2, column - 1 : column + 2] += 15
            counts[row, column] += 60
        made.append(Frame(counts, np.zeros(counts.shape, np.bool_), "made.h5", index))
    return made


def test_the_copy_is_complete_and_the_source_unchanged(copy: Path) -> None:
    before = digest(default_model())
    card = Scorer(copy).card
    assert card.calibration == CALIBRATION
    assert card.threshold == 0.125
    assert replace(card, threshold=0.5, calibration=None) == replace(
        Scorer(default_model()).card, threshold=0.5
    )
    assert digest(default_model()) == before
    assert [entry.name for entry in copy.parent.iterdir()] == ["calibrated.onnx"]


def test_scores_are_mapped_and_spots_are_not(copy: Path) -> None:
    plain, calibrated = Scorer(default_model()), Scorer(copy)
    for frame in frames():
        view = prepare(frame, plain.card.prepare)
        (score, spots), (mapped, same) = plain(view), calibrated(view)
        assert mapped == CALIBRATION.score_map(score)
        assert calibrated.raw(view)[0] == score
        np.testing.assert_array_equal(spots, same)


def test_the_map_is_the_papers_formula() -> None:
    """s^a / (s^a + (1 - s)^b e^-c), Kull et al. 2017, eq. 5."""
    a, b, c = 1.5, 0.5, -0.25
    for score in (1e-5, 0.2, 0.5, 0.99):
        expected = score**a / (score**a + (1 - score) ** b * np.exp(-c))
        assert ScoreMap(a, b, c)(score) == pytest.approx(expected, rel=1e-12)
    assert ScoreMap(1, 1, 0)(0.3) == pytest.approx(0.3)


def test_the_model_itself_is_never_written(copy: Path, tmp_path: Path) -> None:
    before = digest(copy)
    (tmp_path / "link.onnx").symlink_to(copy)
    for target in (copy, tmp_path / "link.onnx"):
        with pytest.raises(ModelFileError, match="is the model itself"):
            copy_with_card(copy, target, Scorer(copy).card)
    assert digest(copy) == before


def test_an_output_that_cannot_be_written_is_named(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelFileError, match="cannot write there"):
        copy_with_card(copy, tmp_path / "file" / "model.onnx", Scorer(copy).card)


def test_an_older_copy_is_replaced(copy: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    for threshold in (0.3, 0.4):
        copy_with_card(copy, target, replace(Scorer(copy).card, threshold=threshold))
    assert Scorer(target).card.threshold == 0.4
