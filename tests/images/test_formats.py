from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from image_files import FORMATS, cbf, counts, edf, marccd, smv, square, stack

from fedbragg.images import open_run
from fedbragg.images.units import wavelength_of
from fedbragg.types import Frame, Geometry, Run, Unreadable


def whole(run: Run) -> list[Frame]:
    frames = list(run.frames())
    assert not [frame for frame in frames if isinstance(frame, Unreadable)]
    return [frame for frame in frames if isinstance(frame, Frame)]


@pytest.mark.parametrize("packing", ["", ".gz", ".bz2"])
@pytest.mark.parametrize("extension", FORMATS)
def test_every_format_gives_the_counts_as_written(tmp_path: Path, extension: str, packing: str) -> None:
    if packing and extension in (".h5", ".npy", ".npz"):
        pytest.skip("not packed a second time")
    writer, dtype = FORMATS[extension]
    image = counts(dtype, square(extension))
    path = tmp_path / f"image{extension}"
    writer(path, image)
    if packing:
        pack = {".gz": gzip.compress, ".bz2": bz2.compress}[packing]
        path = tmp_path / f"image{extension}{packing}"
        path.write_bytes(pack((tmp_path / f"image{extension}").read_bytes()))

    run = open_run(path)

    assert len(run) == 1
    frame = run[0]
    assert (frame.path, frame.index) == (str(path), 0)
    assert frame.counts.dtype == image.dtype
    np.testing.assert_array_equal(frame.counts, image)


FILTERS: dict[str, Any] = {
    "none": {},
    "gzip": {"compression": "gzip"},
    "shuffle and gzip": {"compression": "gzip", "shuffle": True},
    "checksum": {"fletcher32": True},
    "lzf": {"compression": "lzf"},
    "lz4": dict(hdf5plugin.LZ4()),
    "bitshuffle": dict(hdf5plugin.Bitshuffle()),
    "bitshuffle, small blocks": dict(hdf5plugin.Bitshuffle(nelems=512)),
    "bitshuffle without lz4": dict(hdf5plugin.Bitshuffle(cname="none")),
    "bitshuffle-zstd": dict(hdf5plugin.Bitshuffle(cname="zstd")),
    "blosc": dict(hdf5plugin.Blosc()),
}


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i4", "i2", ">u2", ">i4"])
def test_every_hdf5_filter_gives_the_counts_and_masks_the_maximum(
    tmp_path: Path, dtype: str, filters: str
) -> None:
    frames = np.minimum(counts(dtype, (3, 67, 83)), 100)
    frames[:, :, 5] = np.iinfo(dtype).max
    frames[1, 40, 41] = np.iinfo(dtype).max
    stack(tmp_path / "run.h5", frames, FILTERS[filters])

    read = whole(open_run(tmp_path / "run.h5"))

    for frame, expected in zip(read, frames, strict=True):
        assert frame.counts.dtype == np.dtype(dtype).newbyteorder("=")
        np.testing.assert_array_equal(frame.counts, expected)
        np.testing.assert_array_equal(frame.mask, expected == np.iinfo(dtype).max)
    assert read[0].mask is read[2].mask
    assert read[0].mask is not read[1].mask


@pytest.mark.parametrize("chunks", [None, (3, 60, 70), (1, 30, 35), (2, 60, 70)])
def test_other_chunk_shapes_and_contiguous_datasets_read_alike(
    tmp_path: Path, chunks: tuple[int, ...] | None
) -> None:
    frames = counts("u2", (6, 60, 70))
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_dataset("entry/data/data", data=frames, chunks=chunks)
    np.testing.assert_array_equal([frame.counts for frame in whole(open_run(tmp_path / "run.h5"))], frames)


def eiger(folder: Path, frames: np.ndarray, files: int = 2) -> Path:
    """Write a master and its data files as a DECTRIS file writer does."""
    parts = np.array_split(frames, files)
    with h5py.File(folder / "x_master.h5", "w") as master:
        for number, part in enumerate(parts, 1):
            stack(folder / f"x_data_{number:06}.h5", part, dict(hdf5plugin.Bitshuffle()))
            link = h5py.ExternalLink(f"x_data_{number:06}.h5", "/entry/data/data")
            master[f"entry/data/data_{number:06}"] = link
        detector = master.create_group("entry/instrument/detector")
        for name, value, unit in (
            ("beam_center_x", 30.5, "pixel"), ("beam_center_y", 20.25, "pixel"), ("detector_distance", 0.2, "m"),
            ("x_pixel_size", 75e-6, "m"), ("y_pixel_size", 75e-6, "m"),
        ):  # fmt: skip
            detector[name] = value
            detector[name].attrs["units"] = unit
        detector["description"] = "Dectris EIGER2 Si 4M"
        detector["saturation_value"] = 800
        mask = np.zeros(frames.shape[1:], np.uint32)
        mask[3, 4] = 8
        detector["detectorSpecific/pixel_mask"] = mask
        master["entry/instrument/beam/incident_wavelength"] = 0.9763
        master["entry/instrument/beam/incident_wavelength"].attrs["units"] = "angstrom"
    return folder / "x_master.h5"


def test_an_eiger_master_is_one_run_with_geometry_mask_and_saturation(tmp_path: Path) -> None:
    frames = counts("u2", (5, 60, 70))
    run = open_run(eiger(tmp_path, frames))

    assert run.geometry == Geometry("Dectris EIGER2 Si 4M", 0.9763, 0.2, (30.5, 20.25), (75e-6, 75e-6))
    read = whole(run)
    assert [frame.index for frame in read] == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal([frame.counts for frame in read], frames)
    expected = frames[0] > 800  # the spots, of 900
    expected[3, 4] = True
    assert expected.sum() == 10
    np.testing.assert_array_equal(read[0].mask, expected)
    assert all(frame.mask is read[0].mask for frame in read)


def test_a_virtual_dataset_reads_its_sources(tmp_path: Path) -> None:
    frames = counts("u2", (5, 60, 70))
    eiger(tmp_path, frames)
    layout = h5py.VirtualLayout((5, 60, 70), np.uint16)
    layout[0:3] = h5py.VirtualSource(tmp_path / "x_data_000001.h5", "entry/data/data", (3, 60, 70))
    layout[3:5] = h5py.VirtualSource(tmp_path / "x_data_000002.h5", "entry/data/data", (2, 60, 70))
    with h5py.File(tmp_path / "x.nxs", "w") as file:
        file.create_virtual_dataset("entry/data/data", layout)

    np.testing.assert_array_equal([frame.counts for frame in whole(open_run(tmp_path / "x.nxs"))], frames)
    assert len(open_run(tmp_path)) == 10  # the two masters; no data file by itself


def test_a_cxi_file_reads_with_its_mask_and_energy(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.cxi", "w") as file:
        detector = file.create_group("entry_1/instrument_1/detector_1")
        detector["data"] = counts("i2", (2, 60, 70))
        detector["distance"], detector["x_pixel_size"], detector["y_pixel_size"] = 0.08, 110e-6, 110e-6
        detector["mask"] = np.zeros((60, 70), np.uint32)
        detector["mask"][1, 2] = 4  # hot
        detector["mask"][5, 6] = 0x2000  # a hit finder's peak: nothing against it
        file["entry_1/data_1/data"] = h5py.SoftLink("/entry_1/instrument_1/detector_1/data")
        file["entry_1/instrument_1/source_1/energy"] = 9500 * 1.602176634e-19  # joule, as CXI has it

    run = open_run(tmp_path / "run.cxi")

    assert run.geometry.wavelength == pytest.approx(1.30509, abs=1e-5)
    assert run.geometry.distance == 0.08
    assert [tuple(place) for place in np.argwhere(run[1].mask)] == [(1, 2)]


def test_a_mask_for_each_frame_goes_with_its_frame(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.cxi", "w") as file:
        detector = file.create_group("entry_1/instrument_1/detector_1")
        detector["data"] = counts("u2", (3, 60, 70))
        masks = np.zeros((3, 60, 70), np.uint16)
        masks[1, 7, 8] = 1
        detector["mask"] = masks
        file["entry_1/data_1/data"] = h5py.SoftLink("/entry_1/instrument_1/detector_1/data")
    assert [int(frame.mask.sum()) for frame in whole(open_run(tmp_path / "run.cxi"))] == [0, 1, 0]


def cxidb(path: Path, frames: np.ndarray, areas: list[int]) -> None:
    """Write the layout of CXIDB entry 76: chunks of events, geometry in millimetres."""
    with h5py.File(path, "w") as file:
        for name, part in zip(("chunk_1", "chunk_2", "chunk_10"), np.array_split(frames, 3), strict=True):
            file[f"data/{name}/images"] = part
            file[f"data/{name}/distance"] = np.full(len(part), 120.0)
            file[f"data/{name}/wavelength"] = np.full(len(part), 1.3)
        for key, value in {
            "BEAM_CENTER_X": 3.3, "BEAM_CENTER_Y": 2.2, "PIXEL_SIZE": 0.11, "MIN_TRUSTED_VALUE": -10,
            "SATURATED_VALUE": 800, "ACTIVE_AREAS": areas, "idh5_version": "idh5_v1.0",
        }.items():  # fmt: skip
            file[f"metadata/{key}"] = value


def test_the_cxidb_76_layout_reads_its_chunks_in_order_and_masks_outside_the_tiles(tmp_path: Path) -> None:
    frames = counts("i4", (6, 60, 70))
    frames[:, 0, 0] = np.arange(6)
    frames[:, 20, 10] = -5
    cxidb(tmp_path / "r0087_2000.h5", frames, [0, 0, 30, 70, 30, 0, 60, 70])

    run = open_run(tmp_path / "r0087_2000.h5")

    assert run.geometry.wavelength == 1.3
    assert run.geometry.distance == pytest.approx(0.12)
    assert run.geometry.beam_centre == pytest.approx((30, 20))
    assert run.geometry.pixel_size == pytest.approx((110e-6, 110e-6))
    read = whole(run)
    assert [int(frame.counts[0, 0]) for frame in read] == [0, 1, 2, 3, 4, 5]
    expected = np.ones((60, 70), np.bool_)  # each tile without its outermost pixels
    expected[1:29, 1:69] = False
    expected[31:59, 1:69] = False
    expected[10:13, 20:23] = True  # 900 counts, above the saturation
    np.testing.assert_array_equal(read[0].mask, expected)  # -5 is trusted, for the file says so


def test_panels_of_an_event_lie_one_below_the_other(tmp_path: Path) -> None:
    panels = counts("i2", (4, 8, 20, 30))
    cxidb(tmp_path / "panels.h5", panels, [])
    frame = whole(open_run(tmp_path / "panels.h5"))[2]
    assert frame.counts.shape == (160, 30)
    np.testing.assert_array_equal(frame.counts[20:40], panels[2, 1])


def test_datasets_of_one_name_in_many_groups_are_one_run(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "run.h5", "w") as file:
        for tag in (2, 10, 1):
            file[f"tag-{tag}/data"] = np.full((20, 30), tag, np.uint16)
    assert [int(frame.counts[0, 0]) for frame in whole(open_run(tmp_path / "run.h5"))] == [1, 2, 10]


def test_files_with_several_frames_count_them(tmp_path: Path) -> None:
    from fabio.edfimage import EdfImage

    frames = counts("i4", (3, 60, 70))
    picture = EdfImage(data=frames[0])
    for frame in frames[1:]:
        picture.append_frame(data=frame)
    picture.write(str(tmp_path / "several.edf"))
    np.save(tmp_path / "several.npy", frames)

    for name in ("several.edf", "several.npy"):
        run = open_run(tmp_path / name)
        assert len(run) == 3
        np.testing.assert_array_equal([frame.counts for frame in whole(run)], frames)


def test_whole_numbers_in_floats_and_in_64_bits_become_counts(tmp_path: Path) -> None:
    values = counts("f4")
    values[0, 0] = np.nan
    np.save(tmp_path / "float.npy", values)
    wide = counts("u8")
    wide[1, 1] = np.iinfo(np.uint64).max
    np.save(tmp_path / "wide.npy", wide)

    from_floats, from_wide = open_run(tmp_path / "float.npy")[0], open_run(tmp_path / "wide.npy")[0]

    assert from_floats.counts.dtype == np.int32
    assert [tuple(place) for place in np.argwhere(from_floats.mask)] == [(0, 0)]
    assert from_wide.counts.dtype == np.uint32
    assert [tuple(place) for place in np.argwhere(from_wide.mask)] == [(1, 1)]


@pytest.mark.parametrize(
    ("writer", "name", "expected"),
    [
        (cbf, "a.cbf", Geometry("PILATUS 2M, S/N 24-0107", 0.97, 0.25, (30.5, 25.25), (172e-6, 172e-6))),
        (smv, "a.img", Geometry("ADSC 457", 0.9791, 0.15, (30.0, 50.0), (102.4e-6, 102.4e-6))),
        (marccd, "a.mccd", Geometry("MarCCD", 0.979, 0.2, (32.0, 24.0), (79e-6, 79e-6))),
        (edf, "a.edf", Geometry()),
    ],
)
def test_picture_headers_give_geometry_in_our_units(
    tmp_path: Path, writer: Any, name: str, expected: Geometry
) -> None:
    writer(tmp_path / name, counts("i4"))
    geometry = open_run(tmp_path / name).geometry
    assert geometry.detector == expected.detector
    for field in ("wavelength", "distance", "beam_centre", "pixel_size"):
        assert getattr(geometry, field) == pytest.approx(getattr(expected, field)), field


def test_a_photon_of_12398_electronvolt_has_one_angstrom() -> None:
    assert wavelength_of(12.39842, "keV") == pytest.approx(1.0)
    assert wavelength_of(12398.42 * 1.602176634e-19, "J") == pytest.approx(1.0)
    assert wavelength_of(1.0, "furlong") is None


def test_pilatus_sentinels_and_counts_above_the_cutoff_are_masked(tmp_path: Path) -> None:
    image = np.full((20, 30), 7, np.int32)
    image[1, 1], image[2, 2], image[3, 3], image[4, 4] = -1, -2, 1000, 1001
    cbf(tmp_path / "a.cbf", image)
    masked = np.argwhere(open_run(tmp_path / "a.cbf")[0].mask)
    assert [tuple(place) for place in masked] == [(1, 1), (2, 2), (4, 4)]
