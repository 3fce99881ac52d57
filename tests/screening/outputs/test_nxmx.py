"""The hits as NXmx: read by fedbragg and by nxmx; the images' files are not changed."""

from __future__ import annotations

import hashlib
import shutil
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from example_runs import (
    GEOMETRY,
    SHAPE,
    cbf_run,
    counts_of,
    eiger_run,
    gap_mask,
    hits_among,
    number_of_spots,
    nxmx_run,
    screen,
)

from fedbragg.errors import RunError
from fedbragg.images import open_run
from fedbragg.images.hdf5.links import linked_files
from fedbragg.screening.outputs.hits import read_hits
from fedbragg.screening.outputs.nxmx import write_nxmx
from fedbragg.types import Frame


def written(files: list[Path], folder: Path, *, copy: bool) -> Path:
    """Screen files and write their hits."""
    run, _ = screen(files, folder)
    write_nxmx(folder / "hits.nxs", read_hits(folder), run, copy=copy)
    return folder / "hits.nxs"


def check_hits(path: Path, indices: list[int], dtype: str = "uint16") -> None:
    """Read the hits with open_run; each must be the frame that was made."""
    frames = list(open_run(path).frames())
    assert len(frames) == len(indices)
    for frame, index in zip(frames, indices, strict=True):
        assert isinstance(frame, Frame), frame
        np.testing.assert_array_equal(frame.counts, counts_of(index, number_of_spots(index), dtype))


@pytest.mark.parametrize("copy", [False, True])
def test_hits_geometry_and_mask_are_read_back(tmp_path: Path, copy: bool) -> None:
    path = written([nxmx_run(tmp_path / "run.h5", 30)], tmp_path / "out", copy=copy)
    check_hits(path, hits_among(30))
    run = open_run(path)
    assert run.geometry == GEOMETRY
    np.testing.assert_array_equal(run[0].mask, gap_mask())


@pytest.mark.parametrize("copy", [False, True])
def test_the_same_hits_give_the_same_bytes_at_another_time(tmp_path: Path, copy: bool) -> None:
    path = nxmx_run(tmp_path / "run.h5", 30)
    first = written([path], tmp_path / "a", copy=copy).read_bytes()
    time.sleep(1.1)  # HDF5 counts time in seconds
    assert written([path], tmp_path / "b", copy=copy).read_bytes() == first


@pytest.mark.parametrize("copy", [False, True])
def test_nxmx_reads_it(tmp_path: Path, copy: bool) -> None:
    """dxtbx, and so DIALS, reads NXmx with this library."""
    nxmx = pytest.importorskip("nxmx", reason="pip install nxmx to check what is written against it")
    path = written([nxmx_run(tmp_path / "run.h5", 12)], tmp_path / "out", copy=copy)
    with h5py.File(path) as file:
        (entry,) = nxmx.NXmx(file).entries
        assert entry.definition == "NXmx"
        (data,), (instrument,) = entry.data, entry.instruments
        stack = data[data.signal]
        assert stack.shape == (4, *SHAPE)
        np.testing.assert_array_equal(stack[1], counts_of(4, number_of_spots(4)))
        (beam,), (detector,) = instrument.beams, instrument.detectors
        assert beam.incident_wavelength.to("angstrom").magnitude == pytest.approx(0.9763)
        assert detector.distance.to("m").magnitude == pytest.approx(0.175)
        assert detector.saturation_value == 60000
        np.testing.assert_array_equal(np.asarray(detector.pixel_mask) != 0, gap_mask())
        (module,) = detector.modules
        assert module.data_size.tolist() == list(SHAPE)
        chain = nxmx.get_dependency_chain(module.fast_pixel_direction.depends_on)
        place = nxmx.get_cumulative_transformation(chain)[0] @ [0, 0, 0, 1]
        np.testing.assert_allclose(place[:3], [35.5 * 0.075, 20.25 * 0.080, 175], atol=1e-9)


def test_each_hit_has_its_file_frame_and_score(tmp_path: Path) -> None:
    files = [nxmx_run(tmp_path / "a.h5", 9), nxmx_run(tmp_path / "b.h5", 6)]
    path = written(files, tmp_path / "out", copy=False)
    with h5py.File(path) as file:
        origin = file["entry/screening"]
        names = [name.decode() for name in origin["source_files"]]
        assert [names[number] for number in origin["source"]] == [str(files[0])] * 3 + [str(files[1])] * 2
        assert origin["frame"][()].tolist() == [1, 4, 7, 1, 4]
        assert origin["score"][()] == pytest.approx([9 / 20, 12 / 20, 8 / 20, 9 / 20, 12 / 20], abs=0.11)


def test_paths_are_relative_so_that_the_folder_can_move(tmp_path: Path) -> None:
    written([nxmx_run(tmp_path / "visit" / "raw" / "run.h5", 12)], tmp_path / "visit" / "out", copy=False)
    shutil.move(tmp_path / "visit", tmp_path / "archive")
    moved = tmp_path / "archive" / "out" / "hits.nxs"
    check_hits(moved, hits_among(12))
    with h5py.File(moved) as file:
        assert {source.file_name for source in file["entry/data/data"].virtual_sources()} == {"../raw/run.h5"}


@pytest.mark.parametrize("name", ["50%beam.h5", "my%20run.h5", "a%%b.h5"])
def test_percent_signs_in_names_are_escaped(tmp_path: Path, name: str) -> None:
    """In a virtual dataset ``%b`` stands for a number and ``%%`` for a percent sign (H5Pset_virtual)."""
    source = nxmx_run(tmp_path / name, 9)
    path = written([source], tmp_path / "out", copy=False)
    check_hits(path, hits_among(9))
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["entry/data/data"][1], counts_of(4, number_of_spots(4)))
    with h5py.File(path, "r+") as file:
        del file["entry/screening"]  # as a master file that others wrote
    assert linked_files(str(path)) == {str(source.resolve())}


def test_hits_are_found_through_a_symbolic_link_to_the_folder(tmp_path: Path) -> None:
    """``..`` is resolved from the real folder."""
    (tmp_path / "disk" / "deep" / "results").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "deep" / "results")
    path = written([nxmx_run(tmp_path / "raw" / "run.h5", 9)], tmp_path / "out", copy=False)
    check_hits(path, hits_among(9))


def test_copies_do_not_need_their_source_and_have_its_chunks(tmp_path: Path) -> None:
    source = nxmx_run(tmp_path / "run.h5", 12)
    with h5py.File(source) as file:
        packed = {index: file["entry/data/data"].id.read_direct_chunk((index, 0, 0)) for index in range(12)}
    path = written([source], tmp_path / "out", copy=True)
    source.unlink()
    check_hits(path, hits_among(12))
    with h5py.File(path) as file:
        stack = file["entry/data/data"]
        assert stack.id.get_create_plist().get_filter(0)[2] == (0, 4, 2, 0, 2)  # bitshuffle-LZ4, once
        for number, index in enumerate(hits_among(12)):
            assert stack.id.read_direct_chunk((number, 0, 0)) == packed[index]


def test_a_missing_source_is_not_read_as_an_empty_frame(tmp_path: Path) -> None:
    """HDF5 gives a fill value that every reader masks; fedbragg names the missing file."""
    source = nxmx_run(tmp_path / "run.h5", 6)
    path = written([source], tmp_path / "out", copy=False)
    source.rename(tmp_path / "elsewhere.h5")
    assert not any(isinstance(frame, Frame) for frame in open_run(path).frames())
    with h5py.File(path) as file:
        assert (file["entry/data/data"][0] == 65535).all()


@pytest.mark.parametrize("copy", [False, True])
def test_a_master_file_with_its_data_files(tmp_path: Path, copy: bool) -> None:
    master = eiger_run(tmp_path / "raw", [7, 2, 11])
    path = written([master], tmp_path / "out", copy=copy)
    if copy:
        shutil.rmtree(tmp_path / "raw")
    check_hits(path, hits_among(20), "uint32")
    run = open_run(path)
    assert (run.geometry.wavelength, run.geometry.beam_centre) == (0.9763, (35.5, 20.25))
    np.testing.assert_array_equal(run[0].mask, gap_mask())
    with h5py.File(path) as file:
        # One angle a frame: those of the hits are copied. No link to the data files is left.
        assert file["entry/sample/goniometer/omega"][()].tolist() == hits_among(20)
        assert list(file["entry/data"]) == ["data"]


def test_metadata_in_linked_files_is_copied(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "meta.h5", "w") as meta:
        meta["angles"] = np.arange(10.0)
        meta["entry/sample/phi"] = np.arange(10.0) + 100
        meta["stage/x"] = np.arange(10.0) + 200
        meta["stage/y"] = h5py.SoftLink("/angles")
    path = nxmx_run(tmp_path / "run.h5", 10)
    with h5py.File(path, "r+") as file:
        file["entry/sample/phi"] = np.arange(10.0) + 300
        file["entry/sample/omega"] = h5py.ExternalLink("meta.h5", "/angles")
        file["entry/sample/kappa"] = h5py.ExternalLink("meta.h5", "/entry/sample/phi")
        file["entry/sample/stage"] = h5py.ExternalLink("meta.h5", "/stage")
    hits = np.array(hits_among(10))
    with h5py.File(written([path], tmp_path / "out", copy=True)) as file:
        for name, offset in {"omega": 0, "kappa": 100, "stage/x": 200, "stage/y": 0, "phi": 300}.items():
            assert file[f"entry/sample/{name}"][()].tolist() == (hits + offset).tolist(), name


def test_a_group_with_two_names_has_both_in_the_copy(tmp_path: Path) -> None:
    """Also one that holds itself."""
    path = nxmx_run(tmp_path / "run.h5", 6)
    with h5py.File(path, "r+") as file:
        file["entry/camera"] = file["entry/instrument/detector"]  # its name comes first
        file["entry/seen_by"] = np.array([file["entry/camera"].ref] * 6, h5py.ref_dtype)
        file["entry/instrument/detector/up"] = file["entry/instrument"]
    written([path], tmp_path / "out", copy=True)
    check_hits(tmp_path / "out" / "hits.nxs", hits_among(6))
    with h5py.File(tmp_path / "out" / "hits.nxs") as file:
        assert file["entry/camera"] == file["entry/instrument/detector"]
        assert file["entry/camera/up"] == file["entry/instrument"]
        assert "seen_by" not in file["entry"]  # its references would be wrong


@pytest.mark.parametrize("copy", [False, True])
def test_single_images_in_one_file_each(tmp_path: Path, copy: bool) -> None:
    files = []
    for index in range(7):
        files.append(tmp_path / f"shot_{index}.h5")
        with h5py.File(files[-1], "w") as file:
            file["data/data"] = counts_of(index, number_of_spots(index))
    path = written(files, tmp_path / "out", copy=copy)
    check_hits(path, hits_among(7))


def test_images_of_other_formats_are_copied(tmp_path: Path) -> None:
    files = cbf_run(tmp_path, 7)
    path = written(files, tmp_path / "out", copy=True)
    for file in files:
        file.unlink()
    check_hits(path, hits_among(7), "int32")


def test_images_packed_in_two_ways_are_repacked(tmp_path: Path) -> None:
    files = [nxmx_run(tmp_path / "a.h5", 6), tmp_path / "b.h5"]
    with h5py.File(files[1], "w") as file:
        stack = np.stack([counts_of(index, number_of_spots(index)) for index in range(6)])
        file.create_dataset("entry/data/data", data=stack, chunks=(2, *SHAPE), compression="gzip")
    check_hits(written(files, tmp_path / "out", copy=True), hits_among(6) * 2)


def test_detectors_of_two_shapes_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "other.npy", np.pad(counts_of(1, 9), 3, mode="edge"))
    files = [nxmx_run(tmp_path / "a.h5", 3), tmp_path / "other.npy"]
    with pytest.raises(
        RunError, match=r"other\.npy frame 0: \(78, 96\) uint16, but the first hit is \(72, 90\)"
    ):
        written(files, tmp_path / "out", copy=True)


def test_a_missing_file_of_hits_is_named(tmp_path: Path) -> None:
    source = nxmx_run(tmp_path / "run.h5", 6)
    run, _ = screen([source], tmp_path / "out")
    source.unlink()
    with pytest.raises(RunError, match=r"run\.h5.* It held hits when it was screened"):
        write_nxmx(tmp_path / "out" / "hits.nxs", read_hits(tmp_path / "out"), run, copy=True)


def test_a_run_without_hits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no hit to write"):
        written([nxmx_run(tmp_path / "run.h5", 1)], tmp_path / "out", copy=False)


def test_unreadable_frames_are_left_out_and_counted(tmp_path: Path) -> None:
    source = nxmx_run(tmp_path / "run.h5", 9)
    with h5py.File(source, "r+") as file:
        file["entry/data/data"].id.write_direct_chunk((4, 0, 0), b"damaged")
    run, outcome = screen([source], tmp_path / "out")
    assert outcome.tally.unreadable == 1
    line = write_nxmx(tmp_path / "out" / "hits.nxs", read_hits(tmp_path / "out"), run, copy=False)
    assert line == "2 images in place, 1 unreadable ones left out"
    check_hits(tmp_path / "out" / "hits.nxs", [1, 7])


@pytest.mark.parametrize("copy", [False, True])
def test_the_originals_are_not_changed(tmp_path: Path, copy: bool) -> None:
    master = eiger_run(tmp_path / "raw", [5, 6])
    before = {path: _state(path) for path in (tmp_path / "raw").iterdir()}
    written([master], tmp_path / "out", copy=copy)
    assert {path: _state(path) for path in (tmp_path / "raw").iterdir()} == before


def _state(path: Path) -> tuple[str, int]:
    return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns
