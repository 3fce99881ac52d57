"""The file of kept images: packed bytes as they came, readable as a run, while it grows and after a kill."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from messages import GEOMETRY, Series, counts_of

from fedbragg.images import open_run
from fedbragg.live.kept_images import KeptImages
from fedbragg.live.pipeline import UNSCORED
from fedbragg.live.source import LiveFrame
from fedbragg.live.stream_reader import StreamReader
from fedbragg.types import Verdict


def frames(series: Series, numbers: range) -> list[LiveFrame]:
    reader = StreamReader()
    reader.event(series.start)
    events = [reader.event(series.image(number)) for number in numbers]
    return [event for event in events if isinstance(event, LiveFrame)]


def kept(number: int, *, keep: bool = True, score: float | None = 0.75, reason: str = "") -> Verdict:
    return Verdict("s", number, score, keep, reason)


@pytest.mark.parametrize("compression", ["bslz4", "lz4", "none"])
def test_kept_images_are_read_back_with_mask_and_geometry(tmp_path: Path, compression: str) -> None:
    series = Series("s", 8, compression=compression, saturation=60_000.0)
    images = KeptImages(tmp_path, print)
    for frame in frames(series, range(8)):
        images.add(frame, kept(frame.number, keep=frame.number % 2 == 1))
    images.close()
    run = open_run(tmp_path / "kept.nxs")
    assert run.geometry == GEOMETRY
    assert [run[place].counts.tolist() for place in range(len(run))] == [
        counts_of(number).tolist() for number in (1, 3, 5, 7)
    ]
    np.testing.assert_array_equal(run[0].mask, counts_of(1) == 65535)
    with h5py.File(tmp_path / "kept.nxs") as file:
        assert file["entry/screening/frame"][()].tolist() == [1, 3, 5, 7]
        assert file["entry/screening/score"][()].tolist() == [0.75] * 4
        assert file["entry/instrument/detector/saturation_value"][()] == 60_000
        chunk = file["entry/data/data"].id.read_direct_chunk((1, 0, 0))[1]
    assert chunk == frames(series, range(3, 4))[0].packed().data  # never encoded again
    assert images.in_words() == f"{tmp_path}/kept.nxs (4 images as they came)"


def test_unscored_images_are_written_and_unreadable_or_odd_ones_left_out(tmp_path: Path) -> None:
    images = KeptImages(tmp_path, print)
    first, second, third = frames(Series("s", 3), range(3))
    odd = frames(Series("s", 3, compression="none"), range(1))[0]
    images.add(first, kept(0, score=None, reason=UNSCORED))
    images.add(second, kept(1, score=None, reason="its bitshuffle-LZ4 data are damaged."))
    images.add(odd, kept(7))
    images.add(third, kept(2))
    images.close()
    assert (images.written, images.left_out) == (2, 2)
    with h5py.File(images.path) as file:
        assert file["entry/screening/frame"][()].tolist() == [0, 2]
        assert np.isnan(file["entry/screening/score"][0])


def test_a_second_watch_takes_another_name_and_none_is_made_without_a_hit(tmp_path: Path) -> None:
    for _ in range(2):
        images = KeptImages(tmp_path, print)
        images.add(frames(Series("s", 1), range(1))[0], kept(0))
        images.close()
    KeptImages(tmp_path, print).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept-2.nxs", "kept.nxs"]


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_kept_images import KeptImages, Series, frames, kept
images = KeptImages(Path(sys.argv[1]), print)
for frame in frames(Series("s", 5), range(5)):
    images.add(frame, kept(frame.number))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_after_a_kill_the_images_are_there(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parent)], check=False
    )
    assert done.returncode == -9
    with h5py.File(tmp_path / "kept.nxs", swmr=True) as file:
        data = file["entry/data/data"]
        assert data.shape == (5, 72, 90)
        np.testing.assert_array_equal(data[4], counts_of(4))


def test_a_disk_that_fails_ends_the_file_in_one_line(tmp_path: Path) -> None:
    lines: list[str] = []
    images = KeptImages(tmp_path / "not there", lines.append)
    for frame in frames(Series("s", 3), range(3)):
        images.add(frame, kept(frame.number))
    images.close()
    assert len(lines) == 1
    assert "kept.nxs: ends after 0 images" in lines[0]
    assert images.left_out == 3
