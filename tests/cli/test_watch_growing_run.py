"""`fedbragg watch PATH`: runs that are written while they are screened, writers and watches that are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from commands import Refused, here
from watching import screened, table, watching

sys.path.extend(str(Path(__file__).parents[1] / name) for name in ("live", "images"))

from detector_files import cbf
from messages import counts_of

from fedbragg.images import write_run
from fedbragg.types import Geometry

pytestmark = pytest.mark.slow

WRITER = f"""
import sys, h5py, hdf5plugin
sys.path.insert(0, {str(Path(__file__).parents[1] / "live")!r})
from messages import counts_of
file = h5py.File(sys.argv[1], "w", libver="latest")
data = file.create_dataset("entry/data/data", (0, 72, 90), "u2", maxshape=(None, 72, 90), chunks=(1, 72, 90),
                           **hdf5plugin.Bitshuffle())
file.swmr_mode = True
for number, line in enumerate(sys.stdin):
    data.resize(number + 1, axis=0)
    data[number] = counts_of(number)
    file.flush()
"""


def write_frames(writer: subprocess.Popen[str], number: int) -> None:
    assert writer.stdin is not None
    writer.stdin.write(number * "\n")
    writer.stdin.flush()


def test_a_file_is_screened_as_it_grows_through_killed_watches_and_a_killed_writer(tmp_path: Path) -> None:
    write_run(tmp_path / "whole.h5", [counts_of(number) for number in range(14)], geometry=Geometry())
    screened(tmp_path / "whole.h5", tmp_path / "screened")
    run, command = tmp_path / "live.h5", [sys.executable, "-c", WRITER, str(tmp_path / "live.h5")]
    verdicts, hits = tmp_path / "out/live/verdicts.csv", tmp_path / "out/live/hits.lst"
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as writer:
        with watching(tmp_path, str(run)) as watch:
            watch.wait_for(lambda: "no frame yet; waiting" in watch.errors)
            write_frames(writer, 8)
            watch.wait_for(lambda: len(watch.verdicts("live")) == 8)
            assert watch.ended(signal.SIGKILL) == -signal.SIGKILL
        hits.write_text(hits.read_text().splitlines(keepends=True)[0])  # as if it had been killed in between
        verdicts.write_text(verdicts.read_text() + "half a ro")
        write_frames(writer, 6)
        with watching(tmp_path, str(run), "--idle-seconds", "1.5") as watch:
            watch.wait_for(lambda: len(watch.verdicts("live")) == 14)
            writer.kill()
            assert watch.ended() == 3
    assert table(verdicts) == table(tmp_path / "screened/verdicts.csv")
    expected = (tmp_path / "screened/hits.lst").read_text().replace("whole.h5", "live.h5")
    assert hits.read_text() == expected
    assert len(expected.splitlines()) > 2
    assert f"series      {run} (its end did not come)" in watch.said
    assert "frames      14" in watch.said


def test_a_folder_of_files_is_screened_as_it_fills(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()

    def write() -> None:
        for number in range(6):
            time.sleep(0.1)
            cbf(tmp_path / "next.cbf", counts_of(number).astype(np.int32))
            content = (tmp_path / "next.cbf").read_bytes()
            if number == 3:  # its writer was killed
                (folder / "image_3.cbf").write_bytes(content[: len(content) // 2])
            elif number == 4:  # its writer is slow
                (folder / "image_4.cbf").write_bytes(content[: len(content) // 2])
                time.sleep(0.4)
                (folder / "image_4.cbf").write_bytes(content)
            else:
                (tmp_path / "next.cbf").rename(folder / f"image_{number}.cbf")

    writer = threading.Thread(target=write)
    writer.start()
    said = here("watch", folder, "--out", tmp_path / "out", "--idle-seconds", "1", "--images", "6")
    writer.join()
    screened(folder, tmp_path / "screened")
    for name in ("verdicts.csv", "hits.lst"):
        assert (tmp_path / "out/run" / name).read_bytes() == (tmp_path / "screened" / name).read_bytes()
    assert said.returncode == 3
    assert "unreadable  1 (kept)" in said.stdout
    assert "its end did not come" not in said.stdout  # all announced frames came
    again = here(
        "watch", f"{folder}/*.cbf", "--out", tmp_path / "out", "--images", "7", "--idle-seconds", "0.5"
    )
    assert "not sent    1 of 7 announced images" in again.stdout
    assert (tmp_path / "out/run-2/verdicts.csv").exists()  # another run, as far as a watch can know


def test_what_a_run_on_disk_has_not_is_refused(tmp_path: Path, refused_here: Refused) -> None:
    assert refused_here("watch", "localhost:31001").endswith("give tcp://localhost:31001.")
    assert "its folder does not exist" in refused_here("watch", tmp_path / "none" / "run.h5")
    line = refused_here("watch", tmp_path, "--nxmx", "--forward", "tcp://*:5", "--when-full", "keep")
    assert "Leave out --forward, --nxmx, --when-full keep; fedbragg screen --nxmx" in line
    assert "a detector says itself when" in refused_here("watch", "tcp://localhost:31001", "--images", "5")
