"""Numbers are read from headers of text, and a header's size is compared with the file's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedbragg.images.files.dectris_header import read_dectris_header
from fedbragg.images.files.header_text import check_size, leading_number, whole_number
from fedbragg.images.files.image_file import UnreadableFileError
from fedbragg.types import Geometry


@given(st.floats(-1e12, 1e12))
def test_a_number_is_read_whatever_follows_it(number: float) -> None:
    assert leading_number(f"  {number!r} mm") == number


@pytest.mark.parametrize("value", [None, "", "mm 3", "unknown"])
def test_what_begins_with_no_number_is_none(value: object) -> None:
    assert leading_number(value) is None


def test_a_missing_key_is_named() -> None:
    assert whole_number(b"SIZE1= 42;", rb"SIZE1=\s*(\d+)") == 42
    with pytest.raises(UnreadableFileError, match="its header lacks SIZE2"):
        whole_number(b"SIZE1= 42;", rb"SIZE2=\s*(\d+)")


def test_a_file_shorter_than_its_header_says_is_cut_short() -> None:
    check_size(b"1234", 4)
    with pytest.raises(UnreadableFileError, match=r"cut short \(4 of 5 bytes\)"):
        check_size(b"1234", 5)


LENGTHS = st.floats(1e-6, 10).map(lambda value: float(f"{value:.6g}"))


@given(
    wavelength=LENGTHS, distance=LENGTHS, beam=st.tuples(LENGTHS, LENGTHS), pixel=st.tuples(LENGTHS, LENGTHS)
)
def test_a_dectris_header_gives_back_what_was_written(
    wavelength: float, distance: float, beam: tuple[float, float], pixel: tuple[float, float]
) -> None:
    text = (
        f"# Detector: EIGER 1M, S/N E-02\r\n# Pixel_size {pixel[0]!r} m x {pixel[1]!r} m\r\n"
        f"# Count_cutoff 12440 counts\r\n# Wavelength {wavelength!r} A\r\n"
        f"# Detector_distance {distance!r} m\r\n# Beam_xy ({beam[0]!r}, {beam[1]!r}) pixels\r\n"
    )
    header = read_dectris_header(text)
    assert header.geometry == Geometry("EIGER 1M, S/N E-02", wavelength, distance, beam, pixel)
    assert header.trusted.high == 12440


def test_a_beam_centre_of_zero_is_none() -> None:
    assert read_dectris_header("# Beam_xy (0.00, 0.00) pixels").geometry.beam_centre is None
    assert read_dectris_header("# Beam_xy (0.00, 31.50) pixels").geometry.beam_centre == (0, 31.5)


@given(st.text(max_size=300))
def test_any_text_is_a_header_that_may_say_nothing(text: str) -> None:
    read_dectris_header(text)
