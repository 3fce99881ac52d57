"""What becomes of odd frames: every one gets a verdict, and none ends a watch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedbragg.live.growing_run import GrowingRunSource
from fedbragg.live.packed_image import PackedImage
from fedbragg.live.source import LiveFrame
from fedbragg.tasks import hits
from fedbragg.tasks.hits.prepare.decoding import BlockReducer
from fedbragg.types import Frame, Verdict
from fedbragg.workflows.live_source import open_live
from fedbragg.workflows.watch import WatchRequest, scorer_of


@pytest.fixture(scope="module")
def judged() -> Callable[[LiveFrame], Verdict]:
    return scorer_of(WatchRequest(hits.open_model(hits.default_model()), 0.5, Path("out"), 1))


def no_packed() -> PackedImage:
    raise LookupError


def live(frame: Frame) -> LiveFrame:
    return LiveFrame("s", 0, b"", lambda: frame, no_packed)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (7, 3), (64, 1), (40, 40)])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i4", "f4"])
@pytest.mark.parametrize("masked", [False, True])
def test_every_frame_gets_a_verdict(
    judged: Callable[[LiveFrame], Verdict], shape: tuple[int, int], dtype: str, masked: bool
) -> None:
    counts = np.random.default_rng(1).poisson(3, shape).astype(dtype)
    verdict = judged(live(Frame(counts, np.full(shape, masked), "s", 0, "//0")))
    assert (verdict.path, verdict.index) == ("s", 0)
    assert verdict.keep or verdict.score is not None


def test_a_frame_that_breaks_the_scoring_is_kept(judged: Callable[[LiveFrame], Verdict]) -> None:
    def read() -> Frame:
        raise ZeroDivisionError

    verdict = judged(replace(live(Frame(np.ones((4, 4), "u2"), np.zeros((4, 4), bool), "s", 0)), read=read))
    assert (verdict.keep, verdict.score) == (True, None)
    assert (
        verdict.reason == "cannot be scored (ZeroDivisionError). Keep its message by --record, and report it."
    )


def test_frames_of_a_run_on_disk_are_reduced_while_they_are_decoded(tmp_path: Path) -> None:
    predictor = hits.open_model(hits.default_model())
    source = open_live(str(tmp_path), WatchRequest(predictor, 0.5, Path("out"), 1))
    assert isinstance(source, GrowingRunSource)
    reduce = source._followed.cache.reduce
    assert isinstance(reduce, BlockReducer)
    assert reduce.masks == predictor.masks
