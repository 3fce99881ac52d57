"""``fedbragg segments`` as a new user runs it."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from commands import fedbragg
from PIL import Image

from fedbragg.cli import main
from fedbragg.tasks.segments import open_model


def drawn(rows: int = 120, cols: int = 160) -> np.ndarray:
    """Return a grey picture: six grains between dark lines, and two bright squares."""
    picture = np.full((rows, cols), 128, np.uint8)
    picture[59:61], picture[:, 52:54], picture[:, 106:108] = 10, 10, 10
    picture[20:30, 20:30], picture[80:90, 130:140] = 240, 240
    return picture


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with an 8-bit, a 16-bit and a colour picture of the same surface."""
    folder = tmp_path / "images"
    folder.mkdir()
    picture = drawn()
    Image.fromarray(picture).save(folder / "a.png")
    tifffile.imwrite(folder / "b.tif", picture.astype(np.uint16) * 200)
    Image.fromarray(np.repeat(picture[..., None], 3, axis=2)).save(folder / "c.png")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_micrographs_are_measured(images: Path, segment_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = fedbragg(
        "segments", "measure", images, "--scale", "0.5um", "--model", segment_model, "--out", out
    )
    assert result.returncode == 0, result.stderr
    assert re.search(
        r"a\.png: 8 grains and particles; matrix 94\.8 %, boundary 4\.1 %, precipitate 1\.0 %; ASTM G",
        result.stdout,
    )
    table = rows(out / "grains.csv")
    assert len(table) == 3 * 8
    squares = [row for row in table if row["class"] == "precipitate"]
    assert [float(row["area"]) for row in squares] == [25.0] * 6  # 10 x 10 pixels of half a micrometre
    assert {row["touches_edge"] for row in squares} == {"no"} and {row["unit"] for row in table} == {"um"}
    page = (out / "segments.html").read_text(encoding="utf-8")
    assert page.count("<h2>") == 3 and "ASTM E112 G by intercepts" in page
    with tifffile.TiffFile(out / "b-labels.ome.tif") as file:
        assert file.is_ome and 'PhysicalSizeX="0.5"' in str(file.ome_metadata)
        labels = file.asarray()
    assert labels.shape == (120, 160) and labels.dtype == np.uint16
    assert len(np.unique(labels)) == 8
    assert np.asarray(Image.open(out / "c-overlay.png")).shape == (120, 160, 3)


def test_classes_that_the_micrographs_do_not_hold_are_not_found(
    images: Path, segment_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without boundaries the squares are left, and the lines are matrix; without precipitates six grains are."""
    command = ["segments", "measure", str(images / "a.png"), "--model", str(segment_model), "--scale", "1um"]
    for absent, kinds in (("boundary", {"precipitate": 2}), ("precipitate", {"matrix": 6})):
        out = tmp_path / absent
        assert main([*command, "--absent", absent, "--out", str(out)]) == 0
        assert f"{absent} 0" not in capsys.readouterr().out
        table = rows(out / "grains.csv")
        assert Counter(row["class"] for row in table) == kinds
        page = (out / "segments.html").read_text(encoding="utf-8")
        assert f"<td>{absent}</td>" not in page and ("ASTM E112 G" in page) is (absent == "precipitate")
    label = ["segments", "label", str(images / "a.png"), "--model", str(segment_model)]
    assert main([*label, "--absent", "boundary", "--out", str(tmp_path / "l")]) == 0
    expected = np.where(drawn() == 240, 2, 0)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "l" / "a.png")), expected)


def test_the_results_do_not_depend_on_the_threads(images: Path, segment_model: Path, tmp_path: Path) -> None:
    command = ["segments", "measure", str(images), "--model", str(segment_model), "--png"]
    for threads in ("1", "2"):
        assert main([*command, "--threads", threads, "--out", str(tmp_path / threads)]) == 0
    one, two = (sorted((tmp_path / threads).iterdir()) for threads in ("1", "2"))
    assert [path.name for path in one] == [path.name for path in two] and len(one) == 8
    for first, second in zip(one, two, strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name


def test_without_a_scale_lengths_are_in_pixels(images: Path, segment_model: Path, tmp_path: Path) -> None:
    command = [
        "segments",
        "measure",
        str(images / "a.png"),
        "--model",
        str(segment_model),
        "--out",
        str(tmp_path / "o"),
    ]
    assert main([*command, "--png"]) == 0
    table = rows(tmp_path / "o" / "grains.csv")
    assert {row["unit"] for row in table} == {"px"}
    assert np.asarray(Image.open(tmp_path / "o" / "a-labels.png")).max() == 8
    assert "Give --scale" in (tmp_path / "o" / "segments.html").read_text(encoding="utf-8")


def test_labels_are_class_indices(
    images: Path, segment_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["segments", "label", str(images), "--model", str(segment_model), "--out", str(tmp_path / "o")])
        == 0
    )
    assert "3 label images" in capsys.readouterr().out
    expected = np.select([drawn() == 10, drawn() == 240], [1, 2])
    for stem in "abc":
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "o" / f"{stem}.png")), expected)


def test_a_picture_that_cannot_be_read_does_not_stop_the_others(
    images: Path, segment_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / "d.png").write_text("nothing")
    Image.fromarray(np.zeros((10, 10), np.uint8)).save(images / "e.png")
    assert (
        main(
            ["segments", "measure", str(images), "--model", str(segment_model), "--out", str(tmp_path / "o")]
        )
        == 3
    )
    said = capsys.readouterr().err
    assert "d.png: cannot be read (not a picture)" in said and "e.png: 10 x 10 pixels are too few" in said
    assert len(rows(tmp_path / "o" / "grains.csv")) == 24
    assert "Not read" in (tmp_path / "o" / "segments.html").read_text(encoding="utf-8")


def test_results_keep_the_names_of_their_pictures_after_one_that_cannot_be_read(
    images: Path, segment_model: Path, tmp_path: Path
) -> None:
    (images / "b.tif").write_text("nothing")
    out = tmp_path / "o"
    assert main(["segments", "measure", str(images), "--model", str(segment_model), "--out", str(out)]) == 3
    assert {Path(row["path"]).name for row in rows(out / "grains.csv")} == {"a.png", "c.png"}
    assert sorted(path.name for path in out.glob("*-overlay.png")) == ["a-overlay.png", "c-overlay.png"]


def write_pairs(folder: Path, number: int) -> None:
    generator = np.random.default_rng(1)
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for i in range(number):
        classes = np.zeros((64, 64), np.uint8)
        row, col = generator.integers(5, 40, 2)
        classes[row : row + 18, col : col + 18] = 1
        noisy = np.where(classes == 1, 170, 90) + generator.normal(0, 6, classes.shape)
        Image.fromarray(noisy.astype(np.uint8)).save(folder / "images" / f"{i}.png")
        Image.fromarray(classes).save(folder / "masks" / f"{i}.png")


@pytest.mark.slow
def test_a_model_is_trained_on_pairs_and_labels(
    tmp_path: Path, segment_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pairs(tmp_path, 6)
    command = ["segments", "train", "--images", str(tmp_path / "images"), "--masks", str(tmp_path / "masks")]
    out = tmp_path / "model.onnx"
    more = ["--classes", "ground,square", "--from", str(segment_model), "--epochs", "60", "--out", str(out)]
    assert main([*command, *more]) == 0
    said = capsys.readouterr().out
    assert "0 ground, 1 square" in said and "4 trained on to be tested by the last 2, then all" in said
    assert open_model(out).card.classes.names == ("ground", "square")
    assert open_model(out).card.provenance["examples"] == 6
    assert (
        main(
            ["segments", "label", str(tmp_path / "images"), "--model", str(out), "--out", str(tmp_path / "l")]
        )
        == 0
    )
    agree = [
        np.mean(
            np.asarray(Image.open(tmp_path / "l" / f"{i}.png"))
            == np.asarray(Image.open(tmp_path / "masks" / f"{i}.png"))
        )
        for i in range(6)
    ]
    assert min(agree) > 0.93  # the squares are 8 % of the pixels


def test_masks_without_names_get_numbers(tmp_path: Path, segment_model: Path) -> None:
    write_pairs(tmp_path, 2)
    masks = tmp_path / "masks"
    classes = np.asarray(Image.open(masks / "0.png")).copy()
    classes[:4] = 3
    Image.fromarray(classes).save(masks / "0.png")
    out = tmp_path / "model.onnx"
    command = [
        "segments",
        "train",
        "--images",
        str(tmp_path / "images"),
        "--masks",
        str(masks),
        "--held-out",
        "0",
    ]
    more = ["--from", str(segment_model), "--epochs", "1", "--precision", "bfloat16", "--out", str(out)]
    assert main([*command, *more]) == 0
    assert open_model(out).card.classes.names == ("class0", "class1", "class2", "class3")
    assert open_model(out).card.provenance["precision"] == "bfloat16"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["measure", "nowhere.png"], "nowhere.png: no such file"),
        (["measure", "images", "--scale", "3 feet"], "--scale 3 feet: not the length of a pixel"),
        (["label", "images", "--model", "images/a.png"], "not a model file"),
        (
            ["measure", "images", "--absent", "pore"],
            "pore: not a class of the model. Its classes are matrix, ",
        ),
        (["label", "images", "--absent", "boundary", "--absent", "matrix"], "Leave two classes at least"),
        (["measure", "empty"], "empty: holds no picture"),
        (["train", "--images", "images", "--masks", "nowhere"], "nowhere: no such folder"),
        (["train", "--images", "images", "--masks", "empty"], "empty: holds no mask"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str],
    said: str,
    images: Path,
    segment_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused_here: Callable[..., str],
) -> None:
    monkeypatch.chdir(images.parent)
    Path("empty").mkdir()
    model = (
        []
        if "--model" in arguments
        else ["--from" if arguments[0] == "train" else "--model", str(segment_model)]
    )
    assert said in refused_here("segments", *arguments, *model)
