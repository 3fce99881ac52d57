"""The sections of a report about a screening, from a real run of simple frames."""

from __future__ import annotations

import io
import math
import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pages import loads_nothing, parsed
from PIL import Image

from fedbragg.images import open_run
from fedbragg.report.page import page
from fedbragg.report.screening import percent, sections
from fedbragg.screening.judge import FrameScorer, Judge
from fedbragg.screening.session import Outcome
from fedbragg.screening.summary.tally import Tally
from fedbragg.tasks.hits.learner import pretrain, whole_frame_of
from fedbragg.tasks.hits.model_file import PACKAGED, ModelCard, save_model
from fedbragg.tasks.hits.predictor import HitPredictor
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.types import Run, Verdict


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> HitPredictor:
    """A network that calls every peak a spot."""
    state = pretrain(None, 0, 1)
    for name in state:
        if name.startswith("spot."):
            state[name][...] = 0
    state["spot.4.bias"][...] = 5.0
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    save_model(
        path, whole_frame_of(state), ModelCard("hits", "spotnet", PrepareSettings(), 0.5), state, PACKAGED
    )
    return HitPredictor(path)


def folder_of(path: Path) -> Path:
    """Five frames with 0 to 4 x 4 spots, the third cut short."""
    path.mkdir()
    for index in range(5):
        counts = np.random.default_rng(index).poisson(2, (128, 160)).astype(np.uint16)
        for spot in range(4 * index):
            row, column = 20 + 20 * (spot // 6), 20 + 20 * (spot % 6)
            counts[row - 1 : row + 2, column - 1 : column + 2] += 15
            counts[row, column] += 60
        np.save(path / f"<b>{index}&.npy", counts)
    cut = path / "<b>2&.npy"
    cut.write_bytes(cut.read_bytes()[:-500])
    return path


def judged(run: Run, model: HitPredictor, threshold: float = 0.5) -> list[Verdict]:
    judge = Judge(FrameScorer(model.scorer, PrepareSettings()), threshold)
    return list(run.map(judge, 2))


def tally_of(verdicts: list[Verdict], threshold: float = 0.5) -> Tally:
    tally = Tally(threshold)
    for verdict in verdicts:
        tally.add(verdict)
    return tally


def test_the_report_of_a_run_with_an_unreadable_frame(model: HitPredictor, tmp_path: Path) -> None:
    run = open_run(folder_of(tmp_path / "run"))
    verdicts = judged(run, model)
    tally = tally_of(verdicts)
    assert [verdict.score is None for verdict in verdicts] == [False, False, True, False, False]
    text = page("Screening report", "lead", sections(Outcome(tally, 0.5), run, model))
    assert loads_nothing(text)
    words = " ".join(parsed(text).words)
    assert "10.0" in words  # 5 frames in half a second
    assert "<b>2&.npy frame 0" in words
    assert "<b>4&.npy frame 0: score" in words
    assert "16 spots marked" in words
    pictures = re.findall(r"data:image/jpeg;base64,([^\"]+)", text)
    assert len(pictures) == 2 * 4  # hits or misses, and doubtful: the four that can be read
    assert all(Image.open(io.BytesIO(b64decode(data))).size == (160, 128) for data in pictures)


def test_frames_that_drift_keeps_are_not_called_dropped(model: HitPredictor, tmp_path: Path) -> None:
    run = open_run(folder_of(tmp_path / "run"))
    kept = [replace(verdict, keep=True) for verdict in judged(run, model, 0.99999)]
    tally = tally_of(kept, 0.99999)
    words = " ".join(parsed(page("", "", sections(Outcome(tally, 0.5), run, model))).words)
    assert "dropped" not in words
    assert words.count("below the threshold") == 2 * 4  # among hits, and among doubtful ones


def test_spots_are_marked_where_they_are(model: HitPredictor, tmp_path: Path) -> None:
    frame = open_run(folder_of(tmp_path / "run"))[1]
    verdict = model(frame)
    assert verdict.score is not None
    assert 0.5 < verdict.score < 1
    spots = verdict.spots
    assert sorted((spot.row, spot.column) for spot in spots) == [(20, 20), (20, 40), (20, 60), (20, 80)]
    assert all(spot.intensity == pytest.approx(9 * 15 + 60, abs=30) for spot in spots)


def test_a_frame_that_is_gone_is_left_out(model: HitPredictor, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "run")
    tally = tally_of(judged(open_run(folder), model))
    run = open_run(folder)
    (folder / "<b>4&.npy").unlink()
    text = page("Screening report", "lead", sections(Outcome(tally, 0.5), run, model))
    assert len(re.findall("data:image/jpeg", text)) == 2 * 3


def test_a_rate_is_shown_in_percent() -> None:
    assert (percent(0.12345), percent(1.0), percent(math.nan)) == ("12.3 %", "100.0 %", "–")
