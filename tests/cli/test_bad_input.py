"""Bad input: one clear line saying what, where and what to do, exit code 2, no traceback.

Most cases run in this process; test_starting.py and test_core_only.py see that a refusal ends a process the same way.
"""

from __future__ import annotations

import csv
from pathlib import Path

import fabio.cbfimage
import h5py
import numpy as np
import pytest
from commands import SETTINGS, Refused, Trained, done, refused

from fedbragg.images import write_run
from fedbragg.types import Geometry


def counts_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).poisson(2, (96, 128)).astype(np.int32)


def write_cbf(path: Path, seed: int) -> None:
    fabio.cbfimage.CbfImage(data=counts_of(seed)).write(str(path))


def cut(path: Path, share: float = 0.6) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def test_a_missing_path(trained: Trained, tmp_path: Path) -> None:
    line = refused("screen", tmp_path / "none.h5", "--model", trained.model)
    assert line.startswith(f"{tmp_path / 'none.h5'}: no such file or folder. Check the path")


def test_an_empty_folder(trained: Trained, refused_here: Refused, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    line = refused_here("screen", tmp_path / "run", "--model", trained.model)
    assert line.startswith(f"{tmp_path / 'run'}: folder holds no image file. Known extensions")


def test_a_glob_that_matches_nothing(trained: Trained, refused_here: Refused, tmp_path: Path) -> None:
    assert "no image file matches" in refused_here("screen", tmp_path / "*.cbf", "--model", trained.model)


def test_a_truncated_image(trained: Trained, refused_here: Refused, tmp_path: Path) -> None:
    write_cbf(tmp_path / "cut.cbf", 1)
    cut(tmp_path / "cut.cbf")
    assert str(tmp_path / "cut.cbf") in refused_here("screen", tmp_path / "cut.cbf", "--model", trained.model)


def test_images_that_are_all_truncated_are_kept_all_the_same(
    trained: Trained, refused_here: Refused, tmp_path: Path
) -> None:
    files = [tmp_path / "1.cbf", tmp_path / "2.cbf"]
    for file in files:
        write_cbf(file, 1)
        cut(file)
    line = refused_here("screen", *files, "--model", trained.model, "--out", tmp_path / "out")
    assert line.startswith(f"none of the 2 frames could be read; all are kept. First: {files[0]} frame 0: ")
    assert (tmp_path / "out" / "hits.lst").read_text() == f"{files[0]}\n{files[1]}\n"


def test_a_text_named_h5(trained: Trained, refused_here: Refused, tmp_path: Path) -> None:
    (tmp_path / "notes.h5").write_text("shift 3: beam lost at 4 am\n")
    assert str(tmp_path / "notes.h5") in refused_here(
        "screen", tmp_path / "notes.h5", "--model", trained.model
    )


@pytest.mark.parametrize("number", [1, 2])
def test_stacks_without_a_frame(trained: Trained, refused_here: Refused, tmp_path: Path, number: int) -> None:
    for index in range(number):
        with h5py.File(tmp_path / f"run{index}.h5", "w") as file:
            file["entry/data/data"] = np.zeros((0, 64, 64), np.uint16)
    assert "Check that its writer got any" in refused_here("screen", tmp_path, "--model", trained.model)


@pytest.mark.parametrize("content", [None, "hello", "image"])
@pytest.mark.parametrize("command", ["screen", "evaluate"])
def test_a_model_file_that_is_none(
    trained: Trained, refused_here: Refused, tmp_path: Path, command: str, content: str | None
) -> None:
    model = tmp_path / "model.onnx"
    if content is not None:
        model.write_bytes(trained.run.read_bytes()[:5000] if content == "image" else content.encode())
    labels = ("--labels", trained.labels) if command == "evaluate" else ("--out", tmp_path / "out")
    line = refused_here(command, trained.run, "--model", model, *labels)
    assert line.startswith(f"{model}: ")
    assert "Give a model.onnx" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rounds = 3\n" + SETTINGS, "unknown key 'rounds'. Known keys: task, seed, training"),
        (
            SETTINGS.replace("barriers", "barrier"),
            "[federation]: unknown key 'barrier'. Known keys: aggregation",
        ),
        (SETTINGS.replace("old-ccd", "counter"), "two sites are named 'counter'"),
        ("seed = \n", "not valid TOML"),
        (SETTINGS.replace("[federation]\n", '[federation]\naggregation = "mean"\n'), "Known rules: fedavg"),
        (
            SETTINGS.replace("[federation]\n", '[federation]\naggregation = "krum"\nschedule = "async"\n'),
            'set schedule = "hybrid" or "sync"',
        ),
    ],
)
def test_a_settings_file_with_a_mistake(refused_here: Refused, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "federation.toml").write_text(text)
    line = refused_here("federate", tmp_path / "federation.toml", "--out", tmp_path / "out")
    assert line.startswith(str(tmp_path / "federation.toml"))
    assert said in line


def test_a_site_whose_run_or_labels_are_missing(
    trained: Trained, refused_here: Refused, tmp_path: Path
) -> None:
    settings = tmp_path / "federation.toml"
    settings.write_text(SETTINGS)
    assert "counter/pilatus6m.h5: no such file" in refused_here(
        "federate", settings, "--out", tmp_path / "out"
    )
    settings.write_text(
        SETTINGS.replace("counter/", f"{trained.folder}/counter/").replace("labels.csv", "l.csv")
    )
    assert "l.csv: no such file" in refused_here("federate", settings, "--out", tmp_path / "out")


def test_a_site_with_too_few_labels(trained: Trained, refused_here: Refused, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text(f"path,frame,label\n{trained.run},3,hit\n")
    text = SETTINGS.replace("counter/pilatus6m.h5", str(trained.run)).replace("counter/labels.csv", "few.csv")
    (tmp_path / "federation.toml").write_text(text)
    line = refused_here("federate", tmp_path / "federation.toml", "--out", tmp_path / "out")
    assert "site counter: 1 labelled frames; label at least 10" in line


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (None, "no such file"),
        ("path,frame,label\nrun.h5,0,perhaps\n", "unknown label 'perhaps'. Known labels: hit, maybe, miss"),
        ("file,hit\n", "the first line must be path,frame,label"),
        ("path,frame,label\nother.h5,0,hit\n", "none of the 1 image files has a label"),
    ],
)
def test_a_table_of_labels_with_a_mistake(
    trained: Trained, refused_here: Refused, tmp_path: Path, table: str | None, said: str
) -> None:
    if table is not None:
        (tmp_path / "labels.csv").write_text(table)
    assert said in refused_here(
        "evaluate", trained.run, "--labels", tmp_path / "labels.csv", "--model", trained.model
    )


def test_an_unknown_beamline(refused_here: Refused, tmp_path: Path) -> None:
    line = refused_here("simulate", "i99", "--out", tmp_path / "out")
    assert "no beamline is named 'i99'. Known ones: " in line
    assert "pilatus6m" in line


@pytest.mark.parametrize("command", ["screen", "federate", "simulate", "demo"])
def test_a_folder_that_cannot_be_made(
    trained: Trained, refused_here: Refused, tmp_path: Path, command: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    arguments = {
        "screen": (trained.run, "--model", trained.model),
        "federate": (trained.folder / "federation.toml",),
        "simulate": ("pilatus6m", "--frames", "1", "--size", "128"),
        "demo": (),
    }
    line = refused_here(command, *arguments[command], "--out", tmp_path / "file")
    assert str(tmp_path / "file") in line


def spoil_stack(folder: Path) -> list[tuple[str, int]]:
    """Write a stack of five frames, the compressed bytes of the third overwritten."""
    path = folder / "run.h5"
    write_run(path, [counts_of(index) for index in range(5)], geometry=Geometry())
    with h5py.File(path) as file:
        chunk = file["entry/data/data"].id.get_chunk_info(2)
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\xff" * chunk.size)
    return [(str(path), index) for index in range(5)]


def spoil_pictures(folder: Path) -> list[tuple[str, int]]:
    for index in range(5):
        write_cbf(folder / f"{index}.cbf", index)
    cut(folder / "2.cbf")
    return [(str(folder / f"{index}.cbf"), 0) for index in range(5)]


def spoil_arrays(folder: Path) -> list[tuple[str, int]]:
    for index in range(5):
        np.save(folder / f"{index}.npy", counts_of(index))
    cut(folder / "2.npy")
    return [(str(folder / f"{index}.npy"), 0) for index in range(5)]


def spoil_one_of_many_kinds(folder: Path) -> list[tuple[str, int]]:
    np.save(folder / "1.npy", counts_of(1))
    write_cbf(folder / "2.cbf", 2)
    (folder / "3.h5").write_text("no HDF5 at all\n")
    write_cbf(folder / "4.cbf", 4)
    write_run(folder / "5.h5", [counts_of(5)], geometry=Geometry())
    return [(str(folder / name), 0) for name in ("1.npy", "2.cbf", "3.h5", "4.cbf", "5.h5")]


@pytest.mark.parametrize("spoil", [spoil_stack, spoil_pictures, spoil_arrays, spoil_one_of_many_kinds])
def test_an_unreadable_frame_in_the_middle_is_kept_counted_and_reported(
    trained: Trained, tmp_path: Path, spoil
) -> None:
    folder, out = tmp_path / "run", tmp_path / "out"
    folder.mkdir()
    frames = spoil(folder)
    said = done("screen", folder, "--model", trained.model, "--out", out, "--threshold", "1", code=3)
    with (out / "verdicts.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["path"], int(row["frame"])) for row in rows] == frames
    assert [row["score"] == "" for row in rows] == [False, False, True, False, False]
    assert [row["keep"] for row in rows] == ["false", "false", "true", "false", "false"]
    kept = (out / "hits.lst").read_text(encoding="utf-8").splitlines()
    assert [line.split(" ")[0] for line in kept] == [frames[2][0]]
    assert "unreadable  1 (kept)" in said
    assert f"{frames[2][0]} frame {frames[2][1]}: " in said
    assert "frames      5" in said
    assert "hit rate    0.0 %" in said
    assert Path(frames[2][0]).name in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("command", "name"), [(["demo"], "federation.toml"), (["simulate", "ccd"], "ccd.h5")]
)
def test_a_file_that_cannot_be_written(
    refused_here: Refused, tmp_path: Path, command: list[str], name: str
) -> None:
    (tmp_path / name).mkdir()
    few = ["--frames", "1", "--size", "64"] if "simulate" in command else []
    line = refused_here(*command, *few, "--out", tmp_path)
    assert str(tmp_path / name) in line
    assert line.endswith("Check the path, its rights and the space on its disk.")


@pytest.mark.parametrize("command", ["train", "tags train", "segments train"])
def test_a_device_that_is_not_there(refused_here: Refused, tmp_path: Path, command: str) -> None:
    here = ("--images", tmp_path, "--masks", tmp_path)
    given = here if command.startswith("segments") else (tmp_path, "--labels", tmp_path / "labels.csv")
    line = refused_here(*command.split(), *given, "--device", "gpu")
    assert line == "device 'gpu' is unknown. Known: cpu, cuda, cuda:N, auto."


def test_real_sites_choose_their_device_themselves(refused_here: Refused, tmp_path: Path) -> None:
    settings = tmp_path / "federation.toml"
    settings.write_text(SETTINGS)
    line = refused_here("federate", settings, "--engine", "nvflare", "--device", "auto")
    assert "real sites choose for themselves, by [limits] gpu" in line
