"""``fedbragg tags heal`` as a new user runs it: in a process of its own, or in this one where many cases are alike."""

from __future__ import annotations

from pathlib import Path

import fabio
import numpy as np
import pytest
from commands import fedbragg
from matplotlib.image import imread
from PIL import Image

from fedbragg.cli import main
from fedbragg.images import write_run
from fedbragg.types import Geometry

BEAM = (61.3, 55.8)
GAP = np.zeros((120, 110), np.bool_)
GAP[30:36] = GAP[:, 36:40] = True


def rings(gap: np.ndarray = GAP) -> np.ndarray:
    """Return counts of one ring on a decay about BEAM, -1 in the gap."""
    y, x = np.mgrid[: gap.shape[0], : gap.shape[1]]
    r = np.hypot(x - BEAM[0], y - BEAM[1])
    light = 1000 * np.exp(-r / 25) + 300 * np.exp(-0.5 * ((r - 40) / 2) ** 2)
    return np.where(gap, -1, np.random.default_rng(1).poisson(light)).astype(np.int32)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    write_run(tmp_path / "rings.h5", [rings()], geometry=Geometry())
    return tmp_path / "rings.h5"


def healed(folder: Path, name: str = "rings") -> tuple[np.ndarray, np.ndarray]:
    """Return counts and steps as another program reads them."""
    return fabio.open(folder / f"{name}.tif").data, fabio.open(folder / f"{name}-steps.tif").data


def here(capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = 0) -> tuple[str, str]:
    """Run ``tags heal`` in this process; return what it printed, and what it warned of."""
    assert main(["tags", "heal", *map(str, arguments)]) == code
    said = capsys.readouterr()
    return said.out, said.err


def refused_here(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """Run ``tags heal``, which must end with one line and exit code 2; return the line."""
    said, line = here(capsys, *arguments, code=2)
    assert said == ""
    assert line.startswith("fedbragg: ")
    assert line.count("\n") == 1, line
    return line.removeprefix("fedbragg: ").rstrip("\n")


def test_an_image_becomes_two_tiffs_and_a_picture(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = fedbragg("tags", "heal", image, "--out", out)
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in out.iterdir()) == ["rings-steps.tif", "rings.png", "rings.tif"]
    counts, steps = healed(out)
    assert (counts.dtype, steps.dtype) == (np.float32, np.uint8)
    assert (counts[~GAP] == rings()[~GAP]).all()
    assert ((steps == 0) == ~GAP).all()
    truth = rings(np.zeros_like(GAP))[GAP]
    assert np.corrcoef(counts[GAP], truth)[0, 1] > 0.99
    assert imread(out / "rings.png").ndim == 3
    assert f"{GAP.sum()} pixels filled" in result.stdout
    assert "(estimated, confidence 0." in result.stdout


def test_the_beam_comes_from_the_option_then_the_file_then_the_image(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "a.h5", [rings()], geometry=Geometry(beam_centre=BEAM))
    write_run(tmp_path / "zero.h5", [rings()], geometry=Geometry(beam_centre=(0.0, 0.0)))
    out = ("--out", tmp_path / "out")
    assert "beam 60.0,50.0 (given)" in here(capsys, tmp_path / "a.h5", "--beam", "60,50", *out)[0]
    assert "beam 61.3,55.8 (from the file)" in here(capsys, tmp_path / "a.h5", *out)[0]
    assert "(estimated, confidence" in here(capsys, tmp_path / "zero.h5", *out)[0]


def test_an_uncertain_beam_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(3).poisson(5, (120, 110)).astype(np.int32)
    np.save(tmp_path / "noise.npy", np.where(GAP, -1, noise))
    warned = here(capsys, tmp_path / "noise.npy", "--out", tmp_path / "out")[1]
    assert warned == (
        "fedbragg: noise: the beam is uncertain. Look at the picture, or give --beam COL,ROW.\n"
    )


def test_a_mask_adds_gaps(image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = np.zeros_like(GAP)
    more[80:84] = True
    np.save(tmp_path / "mask.npy", more)
    here(capsys, image, "--mask", tmp_path / "mask.npy", "--out", tmp_path / "out")
    assert ((healed(tmp_path / "out")[1] == 0) == ~(GAP | more)).all()


def test_smooth_fills_every_gap_between_measured_pixels(
    image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = here(capsys, image, "--method", "smooth", "--out", tmp_path / "out")[0]
    counts, steps = healed(tmp_path / "out")
    assert np.isfinite(counts).all()
    assert (steps[GAP] == 5).all()
    assert "beam" not in said


def test_frames_and_files_of_one_name_get_names_of_their_own(
    image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_run(tmp_path / "two.h5", [rings(), rings()], geometry=Geometry())
    names = (image, image, tmp_path / "two.h5:0", tmp_path / "two.h5:1")
    here(capsys, *names, "--beam", "61.3,55.8", "--out", tmp_path / "out")
    found = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert found == ["rings-2.png", "rings.png", "two-1.png", "two.png"]


def test_among_good_images_a_bad_one_is_reported_and_the_others_are_healed(
    image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = (tmp_path / "missing.cbf", image, "--out", tmp_path / "out")
    said, warned = here(capsys, *given, code=3)
    assert warned.startswith(f"fedbragg: {tmp_path / 'missing.cbf'}: no such file or folder.")
    assert warned.count("\n") == 1
    assert said.rstrip().endswith(f"written    {tmp_path / 'out'}")
    assert (tmp_path / "out" / "rings.tif").exists()


def test_an_image_without_gaps_comes_back_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = rings(np.zeros_like(GAP))
    np.save(tmp_path / "whole.npy", whole)
    said = here(capsys, tmp_path / "whole.npy", "--out", tmp_path / "out")[0]
    assert said.startswith("whole      no gaps; give --mask where the file does not mark them\n")
    assert (healed(tmp_path / "out", "whole")[0] == whole).all()


def write_bad_files(folder: Path) -> None:
    """Write one file for each kind of bad input."""
    np.save(folder / "masked.npy", np.full((40, 40), -1, np.int32))
    np.save(folder / "nan.npy", np.full((40, 40), np.nan))
    np.save(folder / "flat.npy", np.full((40, 40), 3, np.int32))
    np.save(folder / "tiny.npy", np.arange(9, dtype=np.int32).reshape(3, 3))
    np.save(folder / "line.npy", np.arange(100))
    np.save(folder / "stack.npy", np.ones((5, 40, 40), np.int32))
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (40, 50, 3), np.uint8)).save(
        folder / "colour.tif"
    )
    (folder / "text.cbf").write_text("beam lost at 4 am\n")


BAD = {
    "masked.npy": "masked.npy frame 0: has no valid pixel. Check its mask.",
    "nan.npy": "nan.npy frame 0: has no valid pixel. Check its mask.",
    "flat.npy": "flat.npy frame 0: has 3 on every valid pixel, which shows nothing. Give an image with counts.",
    "tiny.npy": "tiny.npy frame 0: has 3 x 3 pixels, and an image has 8 or more each way.",
    "line.npy": "line.npy: shape (100,) is not an image.",
    "stack.npy": "stack.npy: holds 5 frames. Say which: ",
    "stack.npy:7": "stack.npy: has 5 frames; give one from 0 to 4, not 7.",
    "colour.tif": "colour.tif: has shape (40, 50, 3), as a colour picture",
    "text.cbf": "text.cbf: no CBF file",
    "missing.cbf": "missing.cbf: no such file or folder. Check the path",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    write_bad_files(tmp_path)
    line = refused_here(capsys, tmp_path / name, "--out", tmp_path / "out")
    assert BAD[name] in line
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--method", "magic", "method 'magic' is unknown. Known: symmetry, smooth"),
        ("--beam", "3", "--beam '3' is not a place. Give column and row, as in --beam 480.5,512."),
        ("--beam", "a,b", "--beam 'a,b' is not a place."),
        ("--beam", "nan,3", "--beam 'nan,3' is too far away."),
        ("--mask", "none.npy", "none.npy: no such mask file. Check the path."),
        ("--mask", "small.npy", "has 120 x 110 pixels, the mask 5 x 5. Give a mask of this detector."),
        ("--out", "/proc/healed", "cannot write there"),
    ],
)
def test_a_bad_option_is_refused_in_one_line(
    image: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    option: str,
    value: str,
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("small.npy", np.eye(5))
    assert reason in refused_here(capsys, image, option, value)


def test_many_images_are_not_all_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fedbragg.cli.tags_heal.SHOWN", 1)
    np.save(tmp_path / "run.npy", np.stack([rings()[:40, :50]] * 3))
    names = [f"{tmp_path / 'run.npy'}:{frame}" for frame in range(3)]
    said = here(capsys, *names, "--beam", "61.3,55.8", "--out", tmp_path / "out")[0]
    assert "... and 2 more" in said
    assert len(list((tmp_path / "out").glob("*-steps.tif"))) == 3
