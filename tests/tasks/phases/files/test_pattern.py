"""Patterns of every format are read, and those that cannot be used are refused in one line."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedbragg.errors import InputError
from fedbragg.tasks.phases.files.pattern import read_pattern

AXIS = np.arange(5.0, 25.0, 0.05)
HEIGHT = 100 + 50 * np.exp(-(((AXIS - 10.6) / 0.1) ** 2))
Q = 4 * np.pi / 0.5608 * np.sin(np.radians(AXIS / 2))
XRDML = """<?xml version="1.0" encoding="UTF-8"?>
<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/1.5"><xrdMeasurement>
<usedWavelength intended="K-Alpha 1"><kAlpha1 unit="Angstrom">0.5608</kAlpha1></usedWavelength>
<scan><dataPoints>
<positions axis="2Theta" unit="deg"><startPosition>{start}</startPosition><endPosition>{end}</endPosition></positions>
<positions axis="Omega" unit="deg"><startPosition>1</startPosition><endPosition>9</endPosition></positions>
<{name} unit="counts">{values}</{name}>
</dataPoints></scan></xrdMeasurement></xrdMeasurements>
"""


def rows(separator: str, *columns: np.ndarray) -> str:
    return "\n".join(separator.join(f"{x:.6f}" for x in point) for point in zip(*columns, strict=True)) + "\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


TEXTS = {
    "plain.xy": rows(" ", AXIS, HEIGHT),
    "comments.xy": "# two-theta intensity\n! made today\n" + rows("\t", AXIS, HEIGHT),
    "errors.xye": "/* a note */\n" + rows("  ", AXIS, HEIGHT, np.sqrt(HEIGHT)),
    "named.csv": "2theta,intensity\n" + rows(",", AXIS, HEIGHT),
    "semicolons.csv": "Angle;Counts\n" + rows(";", AXIS, HEIGHT),
    "fit2d.chi": f"image.tif\n2-Theta Angle (Degrees)\nIntensity\n      {len(AXIS)}\n"
    + rows("  ", AXIS, HEIGHT),
    "crlf.xy": rows(" ", AXIS, HEIGHT).replace("\n", "\r\n"),
    "byte-order.xy": "\ufeff" + rows(" ", AXIS, HEIGHT),
    "counted.dat": f"{len(AXIS)} 0\n" + rows(" ", AXIS, HEIGHT),
    "q.xy": "# --> q_A^-1 I\n" + rows(" ", Q, HEIGHT),
    "q-nm.chi": f"image\nq_nm^-1\nIntensity\n {len(AXIS)}\n" + rows(" ", Q * 10, HEIGHT),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_read(tmp_path: Path, name: str) -> None:
    pattern = read_pattern(write(tmp_path, name, TEXTS[name]), 0.5608)
    np.testing.assert_allclose(pattern.q, Q, rtol=1e-5)
    np.testing.assert_allclose(pattern.intensity, HEIGHT, rtol=1e-6)


@pytest.mark.parametrize("turned", [False, True])
def test_arrays_are_read_either_way(tmp_path: Path, turned: bool) -> None:
    array = np.stack([AXIS, HEIGHT])
    np.save(tmp_path / "a.npy", array.T if turned else array)
    np.testing.assert_allclose(read_pattern(tmp_path / "a.npy", 0.5608).q, Q)


@pytest.mark.parametrize("name", ["counts", "intensities"])
def test_xrdml_gives_its_wavelength(tmp_path: Path, name: str) -> None:
    values = " ".join(f"{x:.6f}" for x in HEIGHT)
    path = write(tmp_path, "a.xrdml", XRDML.format(start=AXIS[0], end=AXIS[-1], name=name, values=values))
    np.testing.assert_allclose(read_pattern(path, 1.5406).q, Q, rtol=1e-6)
    assert read_pattern(path, 1.1216, given=True).q[0] == pytest.approx(Q[0] / 2)


def test_an_xrdml_of_entities_is_refused(tmp_path: Path) -> None:
    """A few nested entities would fill the memory."""
    path = write(tmp_path, "bomb.xrdml", '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>')
    with pytest.raises(InputError, match="entities"):
        read_pattern(path, 1.0)


def bad_array(folder: Path, axis: np.ndarray, height: np.ndarray) -> Path:
    np.save(folder / "bad.npy", np.stack([axis, height]))
    return folder / "bad.npy"


def test_points_that_do_not_rise_or_are_not_finite_are_reported_with_their_number(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not rise after point 1 "):
        read_pattern(bad_array(tmp_path, AXIS[::-1], HEIGHT), 0.5608)
    doubled = AXIS.copy()
    doubled[7] = doubled[6]
    with pytest.raises(InputError, match="does not rise after point 7 "):
        read_pattern(bad_array(tmp_path, doubled, HEIGHT), 0.5608)
    for broken in (np.nan, np.inf):
        height = HEIGHT.copy()
        height[[4, 9]] = broken
        with pytest.raises(InputError, match=r"point 5 is not a finite number \(2 in all\)"):
            read_pattern(bad_array(tmp_path, AXIS, height), 0.5608)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("empty.xy", "", "empty"),
        ("words.xy", "hello world\nno numbers\n", "no numbers"),
        ("one.xy", "1\n2\n3\n", "one column"),
        ("mixed.xy", rows(" ", AXIS, HEIGHT) + "end of file\n", "line 401.*not a row"),
        ("short.xy", rows(" ", AXIS[:9], HEIGHT[:9]), "9 points"),
        ("far.xy", rows(" ", AXIS * 9, HEIGHT), "between 0 and 180"),
        ("binary.xy", "a\0b", "not text"),
        ("broken.npy", "not an array", "not a .npy"),
        ("broken.xrdml", "<x>", "not an .xrdml"),
        ("other.xrdml", "<x></x>", "holds no scan"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(InputError, match=message) as caught:
        read_pattern(path, 0.5608)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_arrays_of_other_shapes_and_missing_files_and_folders(tmp_path: Path) -> None:
    np.save(tmp_path / "cube.npy", np.zeros((3, 4, 5)))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    for name, message in (("cube.npy", "shape"), ("objects.npy", "not a .npy"), ("none.xy", "no such file")):
        with pytest.raises(InputError, match=message):
            read_pattern(tmp_path / name, 0.5608)
    with pytest.raises(InputError, match="folder"):
        read_pattern(tmp_path, 0.5608)


def test_angles_need_a_wavelength(tmp_path: Path) -> None:
    path = write(tmp_path, "a.xy", TEXTS["plain.xy"])
    with pytest.raises(InputError, match="--wavelength"):
        read_pattern(path, None)
    assert read_pattern(write(tmp_path, "q.xy", TEXTS["q.xy"]), None).q[0] == pytest.approx(Q[0], abs=1e-5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(text=st.text(max_size=300), suffix=st.sampled_from([".xy", ".csv", ".chi", ".xrdml", ".npy"]))
def test_any_text_is_read_or_refused(tmp_path: Path, text: str, suffix: str) -> None:
    path = tmp_path / f"any{suffix}"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError):
        read_pattern(path, 0.5608)
