"""Every format opens, formats can be added, and what is no image is refused in one line."""

from __future__ import annotations

import bz2
import gzip
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from detector_files import FORMATS, counts, square
from run_checks import assert_refused

from fedbragg.errors import ConfigError, FrameError, RunError
from fedbragg.images import (
    Format,
    Header,
    SingleImage,
    TrustedRange,
    UnreadableFileError,
    open_run,
    opened_by,
    read_bytes,
    register_format,
    registry,
)
from fedbragg.images.registry import extension_of, formats, known_extensions
from fedbragg.types import Geometry


@pytest.mark.parametrize("compression", ["", ".gz", ".bz2"])
@pytest.mark.parametrize("extension", FORMATS)
def test_every_format_gives_the_counts_as_written(tmp_path: Path, extension: str, compression: str) -> None:
    if compression and extension in (".h5", ".npy", ".npz"):
        pytest.skip("not compressed a second time")
    writer, dtype = FORMATS[extension]
    image = counts(dtype, square(extension))
    path = tmp_path / f"image{extension}"
    writer(path, image)
    if compression:
        compress = {".gz": gzip.compress, ".bz2": bz2.compress}[compression]
        path = tmp_path / f"image{extension}{compression}"
        path.write_bytes(compress((tmp_path / f"image{extension}").read_bytes()))

    run = open_run(path)

    assert len(run) == 1
    frame = run[0]
    assert (frame.path, frame.index) == (str(path), 0)
    assert frame.counts.dtype == image.dtype
    np.testing.assert_array_equal(frame.counts, image)


@pytest.mark.parametrize("compress", [None, gzip.compress, bz2.compress])
@pytest.mark.parametrize("extension", [extension for extension in FORMATS if extension != ".npz"])
def test_a_file_of_an_unknown_extension_is_known_by_its_content(
    tmp_path: Path, extension: str, compress: Callable[[bytes], bytes] | None
) -> None:
    if compress and extension in (".h5", ".npy"):
        pytest.skip("not compressed a second time")
    writer, dtype = FORMATS[extension]
    image = counts(dtype, square(extension))
    writer(tmp_path / f"written{extension}", image)
    path = tmp_path / "image.dat"
    if compress:
        path = tmp_path / f"image.dat.{'gz' if compress is gzip.compress else 'bz2'}"
    content = (tmp_path / f"written{extension}").read_bytes()
    path.write_bytes(compress(content) if compress else content)
    np.testing.assert_array_equal(open_run(path)[0].counts, image)


def test_numbers_as_extensions_are_found_in_a_folder_by_content(tmp_path: Path) -> None:
    for number in (2, 10, 1):
        FORMATS[".gfrm"][0](tmp_path / f"run.{number:04}", counts("u2", (72, 72), seed=number))
    (tmp_path / "log.0001").write_text("no image")
    (tmp_path / "notes.txt").write_text("no image")
    run = open_run(tmp_path)
    assert [Path(run[i].path).name for i in range(len(run))] == ["run.0001", "run.0002", "run.0010"]
    assert len(open_run(str(tmp_path / "*"))) == 3


@pytest.mark.parametrize("edge", [1200, 1600, 1800, 2000, 2300, 2400, 3000, 3450])
def test_every_size_of_a_mar345_has_its_extension(tmp_path: Path, edge: int) -> None:
    FORMATS[".mar345"][0](tmp_path / f"image.mar{edge}", counts("u4", (72, 72)))
    assert len(open_run(tmp_path)) == 1


def test_an_r_axis_image_is_read_as_img_with_its_geometry(tmp_path: Path) -> None:
    FORMATS[".osc"][0](tmp_path / "image.img", counts("u2"))
    geometry = open_run(tmp_path / "image.img").geometry
    assert geometry.wavelength == pytest.approx(1.5418) and geometry.distance == pytest.approx(0.12)
    assert geometry.beam_centre == (35.5, 30.25) and geometry.pixel_size == pytest.approx((1e-4, 1e-4))


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


def test_a_file_that_must_not_be_read_is_refused(tmp_path: Path) -> None:
    for extension in FORMATS:
        path = tmp_path / f"secret{extension}"
        FORMATS[extension][0](path, counts(FORMATS[extension][1], square(extension)))
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read everything")
        assert_refused(path, "permission")


def test_the_extension_is_the_one_below_the_compression() -> None:
    assert extension_of("/a.b/c.CBF.GZ") == ".cbf"
    assert extension_of("/a.b/c") == ""
    assert extension_of("/a/.cbf") == ""


def test_the_reference_lists_every_extension() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "images.md").read_text(encoding="utf-8")
    missing = [extension for extension in known_extensions().split() if extension not in page]
    assert missing == []


def raw_file(path: str) -> SingleImage:
    """Open a made-up format: rows and columns in a byte each, then counts of a byte."""
    content = read_bytes(path)
    if len(content) != 2 + content[0] * content[1]:
        raise UnreadableFileError("its size does not fit its header. Copy it again.")
    counts = np.frombuffer(content[2:], np.uint8).reshape(content[0], content[1])
    return SingleImage(lambda: counts, Header(Geometry(distance=0.1), TrustedRange(high=200)))


RAW = Format("raw", (".raw8",), opened_by(raw_file))


@pytest.fixture
def fresh_table() -> Iterator[None]:
    """Let a test change the table of formats."""
    formats.cache_clear()
    yield
    formats.cache_clear()


def write_raw(path: Path) -> None:
    path.write_bytes(bytes([2, 3, 0, 10, 20, 30, 250, 255]))


def test_a_registered_format_is_read_like_a_packaged_one(tmp_path: Path, fresh_table: None) -> None:
    write_raw(tmp_path / "a.raw8")
    assert_refused(tmp_path, "holds no image file")

    register_format(RAW)

    run = open_run(tmp_path)
    assert run.geometry == Geometry(distance=0.1)
    assert run[0].counts.tolist() == [[0, 10, 20], [30, 250, 255]]
    assert run[0].mask.tolist() == [[False, False, False], [False, True, True]]
    (tmp_path / "a.raw8").write_bytes(b"\x02\x03short")
    assert_refused(tmp_path / "a.raw8", "its size does not fit")
    (tmp_path / "b.raw8.gz").write_bytes(gzip.compress(bytes([1, 1, 7])))
    assert open_run(tmp_path / "b.raw8.gz")[0].counts.tolist() == [[7]]


def test_a_package_adds_a_format_by_an_entry_point(
    tmp_path: Path, fresh_table: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint("raw", f"{__name__}:RAW", "fedbragg.formats")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == point.group else [])
    write_raw(tmp_path / "a.raw8")
    assert open_run(tmp_path)[0].counts.shape == (2, 3)


def test_an_installed_format_that_cannot_be_loaded_is_named(
    fresh_table: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint("broken", "no_such_package.formats:BROKEN", "fedbragg.formats")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    with pytest.raises(ConfigError, match=r"format broken: no_such_package\.formats:BROKEN cannot be loaded"):
        formats()


def test_an_extension_that_is_taken_is_refused_and_nothing_is_added(fresh_table: None) -> None:
    known = dict(formats())
    with pytest.raises(ConfigError, match=r"format mine: \.cbf is already read as CBF"):
        register_format(replace(RAW, name="mine", extensions=(".mine", ".cbf")))
    assert formats() == known


def test_a_format_may_recognise_files_of_unknown_extension(tmp_path: Path, fresh_table: None) -> None:
    register_format(replace(RAW, recognise=lambda start: start.startswith(b"\x02\x03")))
    write_raw(tmp_path / "image.unknown")
    assert open_run(tmp_path / "image.unknown")[0].counts.shape == (2, 3)
    (tmp_path / "other.unknown").write_bytes(b"nothing")
    assert_refused(tmp_path / "other.unknown", r"unknown extension \.unknown")
