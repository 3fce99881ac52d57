from __future__ import annotations

import os
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest
from image_files import FORMATS, cbf, counts, edf, nxmx, square, stack

from fedbragg.errors import FrameError, RunError
from fedbragg.images import open_run
from fedbragg.types import Frame, Unreadable


def refused(path: Path | str, words: str) -> None:
    """Assert that the run is refused in one line that names the path, the reason and a remedy."""
    with pytest.raises(RunError, match=words) as caught:
        open_run(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert message.endswith(".")


def test_a_missing_path_an_empty_folder_and_a_glob_of_nothing_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "no.h5", "no such file")
    refused(tmp_path, "holds no image file")
    refused(f"{tmp_path}/*.cbf", "no image file matches")
    with pytest.raises(RunError, match="no path"):
        open_run([])


@pytest.mark.parametrize("extension", FORMATS)
def test_text_under_any_extension_is_refused(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"text{extension}"
    path.write_text("this is no image\n" * 100)
    with pytest.raises((RunError, FrameError), match=str(path)):
        open_run(path)[0]


@pytest.mark.parametrize("extension", FORMATS)
def test_an_empty_file_is_refused(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"empty{extension}"
    path.touch()
    with pytest.raises((RunError, FrameError), match=str(path)):
        open_run(path)[0]


def test_hdf5_under_a_pictures_name_says_so(tmp_path: Path) -> None:
    nxmx(tmp_path / "a.tif", counts("u2"))
    refused(tmp_path / "a.tif", "is an HDF5 file")


def test_a_file_that_must_not_be_read_is_refused(tmp_path: Path) -> None:
    for extension in FORMATS:
        path = tmp_path / f"secret{extension}"
        FORMATS[extension][0](path, counts(FORMATS[extension][1], square(extension)))
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read everything")
        refused(path, "permission")


def test_a_bad_file_amid_a_run_is_one_unreadable_and_the_run_goes_on(tmp_path: Path) -> None:
    stack(tmp_path / "1.h5", counts("u2", (2, 60, 70)), {})
    (tmp_path / "2.h5").write_text("no HDF5")
    content = (tmp_path / "1.h5").read_bytes()
    (tmp_path / "3.h5").write_bytes(content[: len(content) // 2])
    (tmp_path / "4.cbf").write_bytes(b"###CBF: nothing more")
    stack(tmp_path / "5.h5", counts("u2", (2, 60, 70)), {})

    run = open_run(tmp_path)
    frames = list(run.frames())

    assert len(run) == 7
    assert [type(frame) for frame in frames] == [Frame] * 2 + [Unreadable] * 3 + [Frame] * 2
    bad = [frame for frame in frames if isinstance(frame, Unreadable)]
    assert [(Path(frame.path).name, frame.index) for frame in bad] == [("2.h5", 0), ("3.h5", 0), ("4.cbf", 0)]
    assert "no readable HDF5 file" in bad[0].reason
    assert "cut short" in bad[1].reason
    with pytest.raises(FrameError, match=r"2\.h5 frame 0: no readable HDF5"):
        run[2]
    with pytest.raises(IndexError):
        run[7]
    assert run[-1].path.endswith("5.h5")


def test_a_missing_data_file_is_one_unreadable_frame_that_names_it(tmp_path: Path) -> None:
    stack(tmp_path / "x_data_000001.h5", counts("u2", (2, 60, 70)), {})
    with h5py.File(tmp_path / "x_master.h5", "w") as master:
        for number in (1, 2):
            master[f"entry/data/data_{number:06}"] = h5py.ExternalLink(
                f"x_data_{number:06}.h5", "/entry/data/data"
            )

    frames = list(open_run(tmp_path / "x_master.h5").frames())

    assert [type(frame) for frame in frames] == [Frame, Frame, Unreadable]
    assert isinstance(frames[2], Unreadable)
    assert frames[2].index == 2
    assert "x_data_000002.h5" in frames[2].reason


def test_a_virtual_dataset_whose_source_is_missing_gives_no_zeros(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((5, 60, 70), np.uint16)
    stack(tmp_path / "a.h5", counts("u2", (2, 60, 70)), {})
    layout[0:2] = h5py.VirtualSource(tmp_path / "a.h5", "entry/data/data", (2, 60, 70))
    layout[3:5] = h5py.VirtualSource(tmp_path / "gone.h5", "entry/data/data", (2, 60, 70))
    with h5py.File(tmp_path / "x.nxs", "w") as file:
        file.create_virtual_dataset("entry/data/data", layout)

    frames = list(open_run(tmp_path / "x.nxs").frames())

    assert [type(frame) for frame in frames] == [Frame, Frame, Unreadable, Unreadable, Unreadable]
    reasons = [frame.reason for frame in frames if isinstance(frame, Unreadable)]
    assert "no file holds" in reasons[0]
    assert "gone.h5" in reasons[1]


@pytest.mark.parametrize("chunks", [(1, 60, 70), (2, 60, 70), (1, 30, 70), None])
def test_frames_that_were_never_written_are_no_zeros(tmp_path: Path, chunks: tuple[int, ...] | None) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        data = file.create_dataset("entry/data/data", (4, 60, 70), np.uint16, chunks=chunks)
        if chunks:
            data[2:4] = counts("u2", (2, 60, 70))
    frames = list(open_run(tmp_path / "run.h5").frames())
    expected = [Unreadable] * 2 + [Frame if chunks else Unreadable] * 2
    assert [type(frame) for frame in frames] == expected
    assert isinstance(frames[0], Unreadable)
    assert "never written" in frames[0].reason


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((0, 60, 70), "holds no frame"),
        ((70,), "no stack of images"),
        ((2, 3, 4, 60, 70), "no stack of images"),
    ],
)
def test_hdf5_of_impossible_shape_is_refused(tmp_path: Path, shape: tuple[int, ...], words: str) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_dataset("entry/data/data", shape, np.uint16)
    refused(tmp_path / "run.h5", words)


def test_a_dataset_that_claims_more_frames_than_any_detector_writes_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_dataset("entry/data/data", (2**40, 60, 70), np.uint16, chunks=(1, 60, 70))
    refused(tmp_path / "run.h5", "claims the shape")


@pytest.mark.parametrize("shape", [(0, 60, 70), (70,), (2, 3, 60, 70), (0, 0)])
def test_arrays_of_impossible_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint16))
    refused(tmp_path / "a.npy", "no frame|no image")


def test_arrays_of_python_objects_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[{}, {}]]), allow_pickle=True)
    refused(tmp_path / "a.npy", "no readable NumPy file")


@pytest.mark.parametrize("value", [0.5, 1e12])
def test_fractions_and_overflows_are_no_counts(tmp_path: Path, value: float) -> None:
    np.save(tmp_path / "a.npy", np.full((60, 70), value))
    with pytest.raises(FrameError, match="no whole counts"):
        open_run(tmp_path / "a.npy")[0]


def test_cspad_and_rayonix_cbf_are_refused_with_a_remedy(tmp_path: Path) -> None:
    cbf(tmp_path / "good.cbf", counts("i4"))
    content = (tmp_path / "good.cbf").read_bytes()
    (tmp_path / "cspad.cbf").write_bytes(content + content)
    (tmp_path / "rayonix.cbf").write_bytes(content.replace(b"x-CBF_BYTE_OFFSET", b"x-CBF_PACKED"))
    refused(tmp_path / "cspad.cbf", "several binary sections.*NeXus")
    refused(tmp_path / "rayonix.cbf", "not byte-offset.*NeXus")


def test_a_cbf_whose_counts_were_altered_fails_its_checksum(tmp_path: Path) -> None:
    cbf(tmp_path / "a.cbf", counts("i4"))
    content = bytearray((tmp_path / "a.cbf").read_bytes())
    content[content.find(b"\x0c\x1a\x04\xd5") + 1000] ^= 1
    (tmp_path / "a.cbf").write_bytes(content)
    refused(tmp_path / "a.cbf", "checksum")


def test_a_damaged_chunk_is_unreadable_and_its_neighbours_are_not(tmp_path: Path) -> None:
    frames = counts("u2", (3, 60, 70))
    stack(tmp_path / "run.h5", frames, dict(hdf5plugin.Bitshuffle()))
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        identifier = file["entry/data/data"].id
        _, chunk = identifier.read_direct_chunk((1, 0, 0))
        identifier.write_direct_chunk((1, 0, 0), chunk[:16] + b"\xff" * (len(chunk) - 16))
    read = list(open_run(tmp_path / "run.h5").frames())
    assert [type(frame) for frame in read] == [Frame, Unreadable, Frame]
    assert isinstance(read[1], Unreadable)
    assert "damaged" in read[1].reason


def test_a_pair_of_npz_arrays_is_ambiguous(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=counts("u2"), two=counts("u2"))
    refused(tmp_path / "a.npz", "holds 2 arrays")


def test_edf_whose_second_frame_is_cut_short_is_refused(tmp_path: Path) -> None:
    edf(tmp_path / "a.edf", counts("i4"))
    content = (tmp_path / "a.edf").read_bytes()
    (tmp_path / "a.edf").write_bytes(content + content[:-100])
    refused(tmp_path / "a.edf", "cut short")
