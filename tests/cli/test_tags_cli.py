"""``fedbragg tags`` as a new user runs it: in a process of its own, or in this one where many cases are alike."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import fabio.cbfimage
import h5py
import numpy as np
import pytest
from commands import DATA, Refused, done, fedbragg
from PIL import Image

from fedbragg.cli import main
from fedbragg.images import open_run, write_run
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.tags.prepare import prepare
from fedbragg.types import Geometry


def counts_of(level: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).poisson(level, (64, 96)).astype(np.int32)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Six images, ever brighter, in three kinds of file; one of them is all masked."""
    folder = tmp_path / "run"
    folder.mkdir()
    np.save(folder / "1.npy", counts_of(0.1))
    fabio.cbfimage.CbfImage(data=counts_of(1)).write(str(folder / "2.cbf"))
    write_run(
        folder / "3.h5", [counts_of(10), np.full((64, 96), -1, np.int32), counts_of(100)], geometry=Geometry()
    )
    np.save(folder / "4.npy", counts_of(1000))
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_becomes_a_table_and_a_page(run: Path, tag_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = fedbragg("tags", "identify", run, "--model", tag_model, "--out", out)
    assert result.returncode == 3, result.stderr
    table = rows(out / "tags.csv")
    assert list(table[0]) == ["path", "frame", *TAGS]
    names = [(Path(row["path"]).name, int(row["frame"])) for row in table]
    assert names == [("1.npy", 0), ("2.cbf", 0), ("3.h5", 0), ("3.h5", 1), ("3.h5", 2), ("4.npy", 0)]
    assert [row["ring"] == "" for row in table] == [False, False, False, True, False, False]
    assert result.stderr == f"fedbragg: {run}/3.h5 frame 1: has no valid pixel; check its mask.\n"
    assert re.search(r"^images +6$", result.stdout, re.M)
    assert re.search(r"^unreadable +1$", result.stdout, re.M)
    assert re.search(rf"^written +{out}/tags.csv, {out}/tags.html$", result.stdout, re.M)
    page = (out / "tags.html").read_text(encoding="utf-8")
    assert "1 image could not be tagged" in page
    assert sorted(path.name for path in out.iterdir()) == ["tags.csv", "tags.html"]


def test_the_table_has_the_models_probabilities(run: Path, tag_model: Path, tmp_path: Path) -> None:
    """The model made by hand: logits are twice the mean of the first channel, plus 3 to -3 over the tags."""
    done("tags", "identify", run, "--model", tag_model, "--out", tmp_path, "--threads", "2", code=3)
    offsets = np.linspace(3, -3, len(TAGS))
    for row in rows(tmp_path / "tags.csv"):
        if row["ring"]:
            mean = prepare(open_run(row["path"])[int(row["frame"])]).channels[0].mean()
            expected = 1 / (1 + np.exp(-(2 * mean + offsets)))
            np.testing.assert_allclose([float(row[tag]) for tag in TAGS], expected, atol=1e-4)
            assert all(re.fullmatch(r"[01]\.\d{4}", row[tag]) for tag in TAGS)


def test_the_counts_are_those_of_the_table(run: Path, tag_model: Path, tmp_path: Path) -> None:
    said = done("tags", "identify", run, "--model", tag_model, "--out", tmp_path, code=3)
    table = [row for row in rows(tmp_path / "tags.csv") if row["ring"]]
    for tag in TAGS:
        values = np.array([float(row[tag]) for row in table])
        numbers = [int((values >= 0.75).sum()), int(((values > 0.25) & (values < 0.75)).sum())]
        found = re.search(rf"^{tag} +(\d+) +(\d+) +(\d+)$", said, re.M)
        assert found
        assert list(map(int, found.groups())) == [*numbers, len(table) - sum(numbers)]


def test_threads_change_nothing(run: Path, tag_model: Path, tmp_path: Path) -> None:
    for threads in ("1", "2"):
        given = ("--model", tag_model, "--out", tmp_path / threads, "--threads", threads)
        done("tags", "identify", run, *given, code=3)
    for name in ("tags.csv", "tags.html"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_parquet_has_the_same_table(run: Path, tag_model: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    given = ("--model", tag_model, "--out", tmp_path, "--table", "all.parquet", "--no-page")
    said = done("tags", "identify", run, *given, code=3)
    assert said.rstrip().endswith(f"{tmp_path}/tags.csv, {tmp_path}/all.parquet")
    assert not (tmp_path / "tags.html").exists()
    table = parquet.read_table(tmp_path / "all.parquet").to_pylist()
    assert list(table[0]) == ["path", "frame", *TAGS]
    for ours, theirs in zip(table, rows(tmp_path / "tags.csv"), strict=True):
        assert (ours["path"], ours["frame"]) == (theirs["path"], int(theirs["frame"]))
        assert [ours[tag] for tag in TAGS] == [float(theirs[tag]) if theirs[tag] else None for tag in TAGS]


def test_paths_of_any_characters(tag_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / 'a,"b"&' / "<"
    folder.mkdir(parents=True)
    np.save(folder / "script>.npy", counts_of(3))
    np.save(folder / os.fsdecode(b"latin-\xe9.npy"), counts_of(3))
    done("tags", "identify", folder, "--model", tag_model, "--out", tmp_path / "out")
    with (tmp_path / "out" / "tags.csv").open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    assert sorted(map(Path, paths)) == sorted(folder.iterdir())
    page = (tmp_path / "out" / "tags.html").read_text(encoding="utf-8")
    assert page.count("</script>") == 2  # of the data and of the program


def bad_files(folder: Path) -> dict[str, Path]:
    """Write one file for each kind of bad input."""
    arrays = ("masked.npy", "nan.npy", "constant.npy", "tiny.npy", "line.npy", "colour.npy")
    files = {name: folder / name for name in arrays}
    np.save(files["masked.npy"], np.full((64, 64), -1, np.int32))
    np.save(files["nan.npy"], np.full((64, 64), np.nan))
    np.save(files["constant.npy"], np.full((64, 64), 7, np.int32))
    np.save(files["tiny.npy"], np.ones((3, 3), np.int32))
    np.save(files["line.npy"], np.arange(100))
    colour = np.random.default_rng(1).integers(0, 255, (64, 80, 3), np.uint8)
    np.save(files["colour.npy"], colour)
    for name in ("colour.tif", "colour.png"):
        files[name] = folder / name
        Image.fromarray(colour).save(files[name])
    files["line.h5"], files["notes.h5"], files["notes.txt"] = (
        folder / name for name in ("line.h5", "notes.h5", "notes.txt")
    )
    with h5py.File(files["line.h5"], "w") as file:
        file["entry/data/data"] = np.arange(100)
    files["notes.h5"].write_text("beam lost at 4 am\n")
    files["notes.txt"].write_text("beam lost at 4 am\n")
    return files


BAD = {
    "masked.npy": "masked.npy frame 0: has no valid pixel; check its mask.",
    "nan.npy": "nan.npy frame 0: has no valid pixel; check its mask.",
    "constant.npy": "constant.npy frame 0: is the same everywhere, so it shows nothing to tag.",
    "tiny.npy": "tiny.npy frame 0: has 3 x 3 pixels; tags need 16 or more along the longer edge.",
    "line.npy": "line.npy: shape (100,) is no",
    "colour.npy": "none of the 64 images could be tagged. First: ",
    "colour.tif": "has shape (64, 80, 3), as a colour picture. Give the counts of a detector.",
    "colour.png": "colour.png: unknown extension .png. Known ones: ",
    "line.h5": "line.h5: holds no stack of images.",
    "notes.h5": "notes.h5: ",
    "notes.txt": "notes.txt: unknown extension .txt. Known ones: ",
    "missing.cbf": "missing.cbf: no such file or folder. Check the path",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_in_one_line(
    tag_model: Path, tmp_path: Path, refused_here: Refused, name: str
) -> None:
    bad_files(tmp_path)
    given = ("--model", tag_model, "--out", tmp_path / "out")
    assert BAD[name] in refused_here("tags", "identify", tmp_path / name, *given)


def test_among_good_files_bad_ones_are_reported_and_the_run_goes_on(tag_model: Path, tmp_path: Path) -> None:
    files = [path for name, path in bad_files(tmp_path).items() if name != "colour.npy"]
    np.save(tmp_path / "flat.npy", np.where(np.eye(64) > 0, 8, 7).astype(np.int32))
    np.save(tmp_path / "noisy.npy", counts_of(5))
    given = [tmp_path / "flat.npy", *files, tmp_path / "noisy.npy"]
    result = fedbragg("tags", "identify", *given, "--model", tag_model, "--out", tmp_path / "out")
    assert result.returncode == 3
    table = rows(tmp_path / "out" / "tags.csv")
    assert [row["path"] for row in table] == list(map(str, given))
    assert [row["ring"] != "" for row in table] == [True, *([False] * len(files)), True]
    assert result.stderr.count("\n") == len(files)
    for line, file in zip(result.stderr.splitlines(), files, strict=True):
        assert line.startswith(f"fedbragg: {file} frame 0: ")


def test_many_unreadable_images_are_not_all_listed(tag_model: Path, tmp_path: Path) -> None:
    stack = np.full((30, 32, 32), -1, np.int32)
    stack[4] = counts_of(5)[:32, :32]
    np.save(tmp_path / "run.npy", stack)
    result = fedbragg(
        "tags", "identify", tmp_path / "run.npy", "--model", tag_model, "--out", tmp_path / "out"
    )
    assert result.returncode == 3
    assert result.stderr.count("\n") == 21
    assert result.stderr.splitlines()[-1] == "fedbragg: and 9 more, whose rows are empty"
    assert "And 9 more, whose rows in the table are empty." in (tmp_path / "out" / "tags.html").read_text()


@pytest.mark.parametrize("task", ["hits", "phases"])
def test_a_model_of_another_task_is_refused(
    run: Path, tmp_path: Path, refused_here: Refused, task: str
) -> None:
    from fedbragg.tasks.registry import default_model

    line = refused_here("tags", "identify", run, "--model", default_model(task), "--out", tmp_path / "out")
    assert f"a model of the task {task}, not of tags" in line
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_not_there_or_not_a_model(run: Path, tmp_path: Path, refused_here: Refused) -> None:
    line = refused_here("tags", "identify", run, "--model", tmp_path / "none.onnx")
    assert "no such model file" in line
    line = refused_here("tags", "identify", run, "--model", run / "2.cbf", "--out", tmp_path / "out")
    assert "not a model file" in line


@pytest.mark.parametrize("way", ["file in the way", "table is a folder", "page is a folder"])
def test_an_output_that_cannot_be_written(
    run: Path, tag_model: Path, tmp_path: Path, refused_here: Refused, way: str
) -> None:
    out = tmp_path / "out"
    if way == "file in the way":
        out.write_text("")
    else:
        (out / ("tags.csv" if way == "table is a folder" else "tags.html")).mkdir(parents=True)
    line = refused_here("tags", "identify", run, "--model", tag_model, "--out", out)
    assert str(out) in line
    assert "Give another --out." in line or "give another --out." in line


def test_a_table_that_is_not_parquet_is_refused_before_work(
    run: Path, tag_model: Path, tmp_path: Path, refused_here: Refused
) -> None:
    given = ("--model", tag_model, "--out", tmp_path / "out", "--table", "all.xlsx")
    assert "give a name that ends in .parquet" in refused_here("tags", "identify", run, *given)
    assert not (tmp_path / "out").exists()


def annotate(folder: Path, images: int) -> Path:
    """Write images of which the bright ones are annotated as strong, the others as weak scattering."""
    generator = np.random.default_rng(3)
    strong = generator.random(images) < 0.5
    stack = [generator.poisson(200 if yes else 0.3, (32, 32)).astype(np.int32) for yes in strong]
    np.save(folder / "run.npy", np.array(stack))
    lines = [f"run.npy,{i},{int(yes)},{int(not yes)},\n" for i, yes in enumerate(strong)]
    (folder / "labels.csv").write_text("path,frame,strong_scattering,weak_scattering,ring\n" + "".join(lines))
    return folder / "labels.csv"


def test_evaluate_compares_with_annotations(tag_model: Path, tmp_path: Path) -> None:
    labels = annotate(tmp_path, 40)
    said = done("tags", "evaluate", tmp_path / "run.npy", "--labels", labels, "--model", tag_model)
    assert re.search(r"^images +40$", said, re.M)
    # The model's probabilities rise with the light: right for strong, exactly wrong for weak scattering.
    assert re.search(r"^strong_scattering +\d+ of 40; AP 1\.000 .*; AUC 1\.000", said, re.M)
    assert re.search(r"^weak_scattering +\d+ of 40; AP 0\.\d+ .*; AUC 0\.000", said, re.M)
    assert re.search(r"^AUC +0\.500", said, re.M)
    assert "\nring " not in said  # not annotated
    assert said == done("evaluate", tmp_path / "run.npy", "--labels", labels, "--model", tag_model)


@pytest.mark.slow
def test_train_adapts_a_model_that_identify_takes(
    tag_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedbragg.workflows.train.RESAMPLES", 10)  # each runs both networks
    labels, model = annotate(tmp_path, 24), tmp_path / "own.onnx"
    given = ["--labels", labels, "--from", tag_model, "--out", model, "--epochs", "1", "--force"]
    assert main(["tags", "train", str(tmp_path / "run.npy"), *map(str, given)]) == 0
    said = capsys.readouterr().out
    assert "images             17 trained on, the last 7 held back" in said
    assert said.rstrip().endswith(f"fedbragg tags identify PATH... --model {model}")
    done("tags", "identify", tmp_path / "run.npy", "--model", model, "--out", tmp_path / "out")
    assert len(rows(tmp_path / "out" / "tags.csv")) == 24


def test_train_refuses_a_model_of_another_task(tmp_path: Path, refused_here: Refused) -> None:
    from fedbragg.tasks.registry import default_model

    labels = annotate(tmp_path, 12)
    given = ("--labels", labels, "--from", default_model("hits"), "--out", tmp_path / "own.onnx")
    assert "not of tags" in refused_here("tags", "train", tmp_path / "run.npy", *given)


@pytest.mark.skipif(not (DATA / "tags").exists(), reason="no measured scattering images here")
def test_measured_images_are_tagged(tag_model: Path, tmp_path: Path) -> None:
    """One of them, an average, holds fractions."""
    done(
        "tags",
        "identify",
        DATA / "tags" / "biocat-pilatus1m",
        "--model",
        tag_model,
        "--out",
        tmp_path / "out",
    )
    tagged = rows(tmp_path / "out" / "tags.csv")
    assert len(tagged) == 8
    assert all(row["ring"] for row in tagged)
