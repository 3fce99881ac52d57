"""TIFF files: plain pages read from disk are what fabio reads, whatever the byte order, type and number of pages."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import tifffile
from detector_files import counts
from fabio.tifimage import TifImage
from PIL import Image
from run_checks import assert_refused

from fedbragg.images import open_run
from fedbragg.images.buffer_pool import BufferPool
from fedbragg.images.files.pages import PagesFile, open_pages
from fedbragg.images.files.tiff import describe
from fedbragg.types import Frame

HEADER = (
    "# Detector: PILATUS 1M, S/N 10-0001\n# Pixel_size 172e-6 m x 172e-6 m\n# Detector_distance 2.5 m\n"
    "# Wavelength 1.24 A\n# Beam_xy (120.5, 60.25) pixels\n# Count_cutoff 200000 counts\n"
)


def opened(path: Path) -> PagesFile:
    return open_pages(str(path), describe, BufferPool(2))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "u4", "f4"])
def test_pages_are_those_of_fabio(tmp_path: Path, order: str, dtype: str) -> None:
    pages = np.stack([counts("u1", (40, 30)) + k for k in range(3)]).astype(dtype)
    path = str(tmp_path / "a.tif")
    tifffile.imwrite(path, pages, byteorder=order, photometric="minisblack")
    file, peer = opened(tmp_path / "a.tif"), TifImage().read(path)
    assert len(file) == peer.nframes == 3
    for index in range(3):
        np.testing.assert_array_equal(file.pixels(index), pages[index])
        np.testing.assert_array_equal(peer.getframe(index).data, pages[index])


def test_strips_one_after_the_other_are_plain(tmp_path: Path) -> None:
    image = counts("u2", (40, 30))
    tifffile.imwrite(tmp_path / "a.tif", image, rowsperstrip=7, photometric="minisblack")
    file = opened(tmp_path / "a.tif")
    assert file.description.pages[0].start is not None
    np.testing.assert_array_equal(file.pixels(0), image)


def test_a_pilatus_header_gives_geometry_and_saturation(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", counts("i4", (40, 30)), description=HEADER, metadata=None)
    run = open_run(tmp_path / "a.tif")
    assert run.geometry.detector == "PILATUS 1M, S/N 10-0001"
    assert (run.geometry.distance, run.geometry.beam_centre) == (2.5, (120.5, 60.25))
    (frame,) = run.frames()
    assert isinstance(frame, Frame) and frame.saturation == 200_000


@pytest.mark.parametrize("packing", ["packbits", "tiff_lzw", "tiff_deflate"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4"])
def test_packed_pages_are_unpacked(tmp_path: Path, packing: str, dtype: str) -> None:
    image = counts("u1", (40, 30)).astype(dtype)
    Image.fromarray(image).save(tmp_path / "a.tif", compression=packing)
    pixels = opened(tmp_path / "a.tif").pixels(0)
    assert pixels.dtype == image.dtype
    np.testing.assert_array_equal(pixels, image)


def test_unsigned_counts_of_32_bits_are_kept(tmp_path: Path) -> None:
    image = np.full((40, 30), 2**32 - 1, np.uint32)
    tifffile.imwrite(tmp_path / "a.tif", image, compression="zlib", photometric="minisblack")
    np.testing.assert_array_equal(opened(tmp_path / "a.tif").pixels(0), image)


def test_a_file_inside_gz_is_read(tmp_path: Path) -> None:
    image = counts("u2", (40, 30))
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack")
    (tmp_path / "a.tif.gz").write_bytes(gzip.compress((tmp_path / "a.tif").read_bytes()))
    (frame,) = open_run(tmp_path / "a.tif.gz").frames()
    assert isinstance(frame, Frame)
    np.testing.assert_array_equal(frame.counts, image)


def test_colour_pictures_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (30, 40)).save(tmp_path / "a.tif")
    assert_refused(tmp_path / "a.tif", "as a colour picture")


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, counts("u2", (40, 30)), photometric="minisblack")
    path.write_bytes(path.read_bytes()[:-100])
    assert_refused(path, "cut short")
