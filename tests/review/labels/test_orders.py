from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.images.open import open_files
from fedbragg.review.frames.frame_numbers import FrameNumbers
from fedbragg.review.frames.scores import Scores
from fedbragg.review.labels.orders import at_random, by_time, by_uncertainty, only
from fedbragg.screening.judge import FrameScorer
from fedbragg.tasks import hits


def test_the_nearest_to_the_threshold_come_first_and_those_without_a_score_last() -> None:
    scores = np.array([0.9, np.nan, 0.45, 0.1, np.nan, 0.7])
    assert by_uncertainty(scores, 0.5).tolist() == [2, 5, 0, 3, 1, 4]


@given(frames=st.integers(0, 200), seed=st.integers(0, 9))
def test_random_is_every_frame_once_and_the_same_for_a_seed(frames: int, seed: int) -> None:
    order = at_random(frames, seed)
    assert sorted(order.tolist()) == by_time(frames).tolist() == list(range(frames))
    np.testing.assert_array_equal(order, at_random(frames, seed))


def test_random_seeds_differ() -> None:
    assert at_random(100, 1).tolist() != at_random(100, 2).tolist()
    assert only({3, 1}).tolist() == [1, 3]


@given(lengths=st.lists(st.integers(0, 4), min_size=1, max_size=8))
def test_numbers_and_names_of_frames_are_each_others_inverse(lengths: list[int]) -> None:
    numbers = FrameNumbers([(f"/data/{i}.h5", length) for i, length in enumerate(lengths)], Path("/data"))
    assert len(numbers) == sum(lengths)
    keys = [numbers.key(position) for position in range(len(numbers))]
    assert keys == [(f"{i}.h5", frame) for i, length in enumerate(lengths) for frame in range(length)]
    assert [numbers.position(key) for key in keys] == list(range(len(numbers)))


def test_labels_without_a_frame_are_named(tmp_path: Path) -> None:
    (tmp_path / "other.h5").write_bytes(b"")
    numbers = FrameNumbers([(str(tmp_path / "a.h5"), 3)], tmp_path)
    keys = [("a.h5", 2), ("a.h5", None), ("other.h5", 7), ("a.h5", 3), ("gone.h5", 0)]
    assert numbers.without_frame(keys) == [
        "a.h5 frame 3: has a label, but the file has 3 frames, counted from 0.",
        "gone.h5: has labels, but there is no such file.",
    ]
    assert numbers.position(("a.h5", 3)) is None
    many = [(f"gone{i}.h5", 0) for i in range(25)]
    assert numbers.without_frame(many)[-1] == "and 5 more labels without a frame"


def test_all_frames_are_scored_in_the_background_and_an_unreadable_one_has_none(run: Path) -> None:
    predictor = hits.open_model(hits.default_model())
    scores = Scores(open_files(run), FrameScorer(predictor.scorer, predictor.card.prepare))
    assert not scores.started
    scores.start()
    assert scores._thread is not None
    scores._thread.join()
    assert scores.done == 7
    assert np.flatnonzero(np.isnan(scores.found())).tolist() == [4]
    opened = open_files(run)
    assert abs(scores.found()[0] - (predictor(opened[0]).score or 0)) < 1e-6
