"""Pictures of hits: what is dark, what is masked, where spots are; and how many are kept."""

from __future__ import annotations

import io

import numpy as np
import pytest
from made_frames import live
from PIL import Image

from fedbragg.live.page import latest_hits
from fedbragg.live.page.latest_hits import SHOWN, LatestHits
from fedbragg.live.page.thumbnail import thumbnail
from fedbragg.types import Frame, Spot, Verdict


def made(shape: tuple[int, int] = (700, 1300), dtype: str = "u2") -> Frame:
    counts = np.full(shape, 2, dtype)
    counts[401 % shape[0], 1003 % shape[1]] = 900
    mask = np.zeros(shape, bool)
    mask[:10] = True
    counts[:10] = 60_000
    return Frame(counts, mask, "s", 7, "//7")


SPOT = Spot(1003.04, 401.0, 890.0, 40.0)


@pytest.mark.parametrize("dtype", ["u2", "i4", "f4"])
def test_a_single_bright_pixel_is_dark_and_masked_ones_are_blue(dtype: str) -> None:
    found = thumbnail("s", 7, made(dtype=dtype), Verdict("s", 7, 0.9, True, spots=(SPOT,)))
    picture = np.asarray(Image.open(io.BytesIO(found.png)))
    assert picture.shape == (140, 260, 3)  # blocks of 5 x 5
    assert picture[80, 200].tolist() == [0, 0, 0]
    assert picture[100, 100].tolist() == [255, 255, 255]
    assert picture[1, 100].tolist() == [185, 211, 234]
    assert (found.size, found.spots) == ((1300, 700), ((1003.0, 401.0),))


@pytest.mark.parametrize("value", [0, 5])
def test_frames_of_nothing_have_a_picture(value: int) -> None:
    for mask in (False, True):
        counts = np.full((3, 4), value, "u4")
        found = thumbnail("s", 0, Frame(counts, np.full((3, 4), mask), "s", 0), Verdict("s", 0, 0.9, True))
        assert Image.open(io.BytesIO(found.png)).size == (4, 3)


def test_only_the_latest_hits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    hits = LatestHits()
    for number in (0, 1):  # the second comes too soon
        hits.see(live("s", number), made((4, 5)), Verdict("s", number, 0.9, True))
    assert [(made, hit.number) for made, hit in hits.listed()] == [(1, 0)]
    monkeypatch.setattr(latest_hits, "SECONDS_BETWEEN", 0.0)
    hits = LatestHits()
    for number in range(20):
        hits.see(live("s", number), made((4, 5)), Verdict("s", number, 0.9, number % 2 == 0))
    assert [hit.number for _, hit in hits.listed()] == list(range(18, 18 - 2 * SHOWN, -2))
    assert hits.picture(1) is None
    assert hits.picture(10) is not None
