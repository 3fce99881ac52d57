"""A run that is still being written is read as its frames arrive."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from detector_files import counts, edf, nxmx
from run_checks import first_counts

from fedbragg.errors import RunError
from fedbragg.images import open_run
from fedbragg.types import Frame, Unreadable

SWMR_WRITER = """
import sys, time
import h5py, hdf5plugin, numpy as np
file = h5py.File(sys.argv[1], "w", libver="latest")
data = file.create_dataset("entry/data/data", (0, 40, 50), np.uint16, maxshape=(None, 40, 50), chunks=(1, 40, 50),
                           **hdf5plugin.Bitshuffle())
file.swmr_mode = True
for number in range(int(sys.argv[2])):
    data.resize(number + 1, axis=0)
    data[number] = np.full((40, 50), number)
    file.flush()
    print(number, flush=True)
    time.sleep(0.05)
if sys.argv[3] == "hang":
    time.sleep(60)
if sys.argv[3] == "after a line":
    sys.stdin.readline()
file.close()
"""


def swmr_writer(path: Path, frames: int, end: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SWMR_WRITER, str(path), str(frames), end]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "0\n"
    return writer


def test_frames_come_while_the_file_is_written_and_end_with_its_close(tmp_path: Path) -> None:
    with swmr_writer(tmp_path / "live.h5", 20, "after a line") as writer:
        frames = open_run(tmp_path / "live.h5", follow=True, patience=30).frames()
        first = next(frames)  # however slow this is, the file is still open
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
        rest = list(frames)

    assert first_counts([first, *rest]) == list(range(20))


def test_a_writer_that_falls_silent_ends_the_run_after_the_patience(tmp_path: Path) -> None:
    with swmr_writer(tmp_path / "live.h5", 3, "hang") as writer:
        begin = time.monotonic()
        frames = list(open_run(tmp_path / "live.h5", follow=True, patience=1.5).frames())
        writer.kill()

    assert first_counts(frames) == [0, 1, 2]
    assert 1.5 < time.monotonic() - begin < 15


def test_files_that_appear_in_a_folder_are_followed(tmp_path: Path) -> None:
    def write() -> None:
        for number in range(5):
            partial = tmp_path / f"part_{number}"
            edf(partial, np.full((20, 30), number, np.int32))
            partial.rename(tmp_path / f"image_{number}.edf")
            time.sleep(0.2)

    writer = threading.Thread(target=write)
    writer.start()
    frames = list(open_run(tmp_path, follow=True, patience=2.0).frames())
    writer.join()

    assert first_counts(frames) == [0, 1, 2, 3, 4]


def test_a_file_that_stays_half_written_is_reported_and_those_after_it_come(tmp_path: Path) -> None:
    edf(tmp_path / "image_1.edf", counts("i4"))
    content = (tmp_path / "image_1.edf").read_bytes()
    (tmp_path / "image_2.edf").write_bytes(content[: len(content) // 2])
    (tmp_path / "image_3.edf").write_bytes(content)

    frames = list(open_run(tmp_path, follow=True, patience=0.5).frames())

    assert [type(frame) for frame in frames] == [Frame, Unreadable, Frame]
    assert isinstance(frames[1], Unreadable)
    assert "cut short" in frames[1].reason


def test_a_file_that_is_complete_ends_at_once(tmp_path: Path) -> None:
    nxmx(tmp_path / "done.h5", counts("u2"))
    begin = time.monotonic()
    frames = list(open_run(tmp_path / "done.h5", follow=True, patience=60).frames())
    assert len(frames) == 1
    assert time.monotonic() - begin < 20


def test_nothing_at_all_is_an_error(tmp_path: Path) -> None:
    run = open_run(tmp_path / "never.h5", follow=True, patience=0.3)
    assert len(run) == 0
    with pytest.raises(RunError, match=r"never\.h5: no frame came within 0\.3 s"):
        list(run.frames())


def test_a_run_read_up_to_a_frame_does_not_wait_for_the_next(tmp_path: Path) -> None:
    with swmr_writer(tmp_path / "live.h5", 3, "hang") as writer:
        begin = time.monotonic()
        frames = list(open_run(tmp_path / "live.h5", follow=True, patience=60).frames(1, 3))
        writer.kill()
    assert first_counts(frames) == [1, 2]
    assert time.monotonic() - begin < 30


def test_what_has_arrived_can_be_counted_and_read_by_position(tmp_path: Path) -> None:
    with swmr_writer(tmp_path / "live.h5", 3, "hang") as writer:
        run = open_run(tmp_path / "live.h5", follow=True, patience=60)
        assert first_counts(run.frames(stop=3)) == [0, 1, 2]
        assert len(run) == 3
        assert first_counts([run[2]]) == [2]
        writer.kill()
