"""Scores of a screening, taken over by the page: those of this run and this model, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fedbragg.errors import InputError
from fedbragg.images.open import open_files
from fedbragg.models.onnx_file import digest
from fedbragg.review.frames.frame_numbers import FrameNumbers
from fedbragg.review.frames.known_scores import KnownScores, found_beside, read_known_scores
from fedbragg.review.frames.scores import Scores
from fedbragg.review.labels.orders import Order
from fedbragg.review.opening import ReviewRequest, open_session
from fedbragg.screening import checkpoint
from fedbragg.screening.checkpoint import Checkpoint, Identity
from fedbragg.screening.judge import FrameScorer
from fedbragg.tasks import hits

HEAD = "path,frame,score,keep,background,spots,resolution,reason\n"


def screening(folder: Path, rows: str, model: str = "m") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "verdicts.csv").write_text(HEAD + rows)
    checkpoint.save(folder, Checkpoint(Identity("r", 3, model, 0.5, spots=False, fail_safe=True)))
    return folder


def test_scores_and_background_land_at_their_frames(tmp_path: Path) -> None:
    numbers = FrameNumbers([("run/a.h5", 2), ("run/b.h5", 1)], tmp_path)
    rows = "run/b.h5,0,0.25,false,1.5,0,,\nrun/a.h5,1,,true,,,,no picture\nother.h5,0,0.9,true,2,3,,\n"
    for place in (screening(tmp_path / "out", rows), tmp_path / "out" / "verdicts.csv"):
        found = read_known_scores(place, numbers, "m")
        np.testing.assert_array_equal(found.scores, [np.nan, np.nan, 0.25])
        np.testing.assert_array_equal(found.levels, np.array([np.nan, np.nan, 1.5], np.float32))
        assert found.looked.tolist() == [False, True, True]


def test_paths_may_start_at_the_folder_in_which_screening_ran(tmp_path: Path) -> None:
    numbers = FrameNumbers([(str(tmp_path / "run" / "a.h5"), 1)], tmp_path)
    folder = screening(tmp_path / "screening", "run/a.h5,0,0.75,true,1,2,,\n")
    assert read_known_scores(folder, numbers, "m").scores.tolist() == [0.75]
    beside = found_beside(tmp_path / "labels.csv", numbers, "m")
    assert beside is not None
    assert beside.scores.tolist() == [0.75]
    assert found_beside(tmp_path / "labels.csv", numbers, "another") is None
    assert found_beside(tmp_path / "run" / "labels.csv", numbers, "m") is None


@pytest.mark.parametrize(
    ("rows", "model", "message"),
    [
        ("run/a.h5,0,0.5,true,,,,\n", "another", "another model gave these scores"),
        ("other.h5,0,0.5,true,,,,\n", "m", "none of its 1 frames is of this run"),
        ("run/a.h5,zero,0.5,true,,,,\n", "m", "cannot be read"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, rows: str, model: str, message: str) -> None:
    numbers = FrameNumbers([("run/a.h5", 1)], tmp_path)
    with pytest.raises(InputError, match=message):
        read_known_scores(screening(tmp_path / "out", rows, model), numbers, "m")
    (tmp_path / "out" / checkpoint.CHECKPOINT).unlink()
    with pytest.raises(InputError, match="which model gave its scores is not known"):
        read_known_scores(tmp_path / "out", numbers, "m")
    with pytest.raises(InputError, match="no-such"):
        read_known_scores(tmp_path / "no-such", numbers, "m")


def test_a_run_that_was_screened_opens_with_its_scores(run: Path, tmp_path: Path) -> None:
    predictor = hits.open_model(hits.default_model())
    files = open_files(run).files
    rows = "".join(f"{path},{i},0.{i + 1},false,1,0,,\n" for path, frames in files for i in range(frames))
    screening(tmp_path / "screening", rows, digest(predictor.path))
    for request in (
        ReviewRequest((str(run),), tmp_path / "labels.csv", "ada"),  # found beside the labels
        ReviewRequest(
            (str(run),), run.parent / "none.csv", "ada", verdicts=tmp_path / "screening", grid="7x1"
        ),
    ):
        session, _ = open_session(request, predictor)
        assert session.state()["scoring"] == {"started": True, "done": 7, "screened": True}
        assert session.order(Order.UNCERTAIN).tolist()[:1] == [3]  # 0.4, nearest to 0.5
    assert session.state()["grid"] == {"rows": 7, "cols": 1, "snake": False}


def test_only_frames_that_were_not_screened_are_scored(run: Path) -> None:
    predictor = hits.open_model(hits.default_model())
    known = KnownScores(np.full(7, 0.125), np.ones(7, np.float32), np.array([1, 1, 0, 1, 0, 0, 1], bool))
    scores = Scores(open_files(run), FrameScorer(predictor.scorer, predictor.card.prepare), known)
    assert not scores.started
    assert scores.done == 4
    scores.start()
    assert scores._thread is not None
    scores._thread.join()
    assert scores.complete
    found = scores.found()
    assert found[[0, 1, 3, 6]].tolist() == [0.125] * 4
    assert np.isnan(found[4])  # the unreadable file
    assert found[2] > 0.5  # has spots
    assert found[5] != 0.125
    scores.restart(FrameScorer(predictor.scorer, predictor.card.prepare))
    scores._thread.join()
    assert scores.found()[0] > 0.5
