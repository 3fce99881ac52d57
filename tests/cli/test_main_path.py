"""The main path by the commands alone: simulate, federate, screen, evaluate."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from commands import DATA, SETTINGS, Trained, done
from sklearn import metrics as peer

from fedbragg.tasks.hits import model_file
from fedbragg.tasks.hits.model_file import Scorer

pytestmark = pytest.mark.slow


def verdicts_of(out: Path) -> list[dict[str, str]]:
    with (out / "verdicts.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def screened(trained: Trained) -> Path:
    done("screen", trained.run, "--model", trained.model, "--out", trained.folder / "screened")
    return trained.folder / "screened"


def test_training_leaves_model_history_and_report(trained: Trained) -> None:
    first = trained.folder / "first"
    assert {"model.onnx", "history.json", "report.html"} <= {path.name for path in first.iterdir()}
    assert re.search(r"^counter +32 ", trained.said, re.M)  # 40 frames less the fifth held out
    assert re.search(r"^old-ccd +32 ", trained.said, re.M)
    history = json.loads((first / "history.json").read_text())
    assert history["barriers"] == 2
    weights = [line["weights"] for line in history["history"] if line["event"] == "barrier"]
    assert len(weights) == 2
    assert all(sum(weight.values()) == pytest.approx(1.0) for weight in weights)
    assert all(set(weight) == {"counter", "old-ccd"} for weight in weights)


def test_the_model_names_its_settings_and_no_path_of_the_data(trained: Trained) -> None:
    card = Scorer(trained.model).card
    assert (card.task, card.network, card.prepare.block) == ("hits", "spotnet", 8)
    assert card.provenance["settings"]["federation"]["aggregation"] == "fedkl"
    assert card.provenance["settings"]["seed"] == 5
    assert [site["name"] for site in card.provenance["settings"]["sites"]] == ["counter", "old-ccd"]
    content = trained.model.read_bytes()
    for place in (b"pilatus6m.h5", b"labels.csv", str(trained.folder).encode()):
        assert place not in content
    assert len(content) < 500_000


def test_no_picture_of_a_private_frame_is_in_what_the_coordinator_gets(trained: Trained) -> None:
    """The report of a federation holds figures only."""
    text = (trained.folder / "first" / "report.html").read_text(encoding="utf-8")
    assert "<img" not in text
    assert "data:image" not in text
    for name in ("counter", "old-ccd"):
        assert name in text


def test_a_second_run_gives_the_same_numbers(trained: Trained, screened: Path) -> None:
    settings = trained.folder / "federation.toml"
    assert (
        done("federate", settings, "--out", trained.folder / "second").splitlines()[:-1]
        == (trained.said.splitlines()[:-1])
    )
    first, second = (trained.folder / name / "history.json" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    again = trained.folder / "screened again"
    done("screen", trained.run, "--model", trained.folder / "second" / "model.onnx", "--out", again)
    assert (again / "verdicts.csv").read_bytes() == (screened / "verdicts.csv").read_bytes()


def test_another_seed_gives_other_numbers(trained: Trained) -> None:
    text = SETTINGS.replace("seed = 5", "seed = 6")
    assert text != SETTINGS
    (trained.folder / "other.toml").write_text(text)
    done("federate", trained.folder / "other.toml", "--out", trained.folder / "other")
    history = (trained.folder / "other" / "history.json").read_bytes()
    assert history != (trained.folder / "first" / "history.json").read_bytes()


def test_every_frame_has_its_row_in_order(trained: Trained, screened: Path) -> None:
    rows = verdicts_of(screened)
    assert list(rows[0]) == [
        "path",
        "frame",
        "score",
        "keep",
        "background",
        "spots",
        "resolution",
        "reason",
    ]
    assert [(row["path"], int(row["frame"])) for row in rows] == [(str(trained.run), i) for i in range(40)]
    assert all(0 <= float(row["score"]) <= 1 for row in rows)
    assert [row["keep"] == "true" for row in rows] == [float(row["score"]) >= 0.5 for row in rows]
    kept = [f"{trained.run} //{row['frame']}" for row in rows if row["keep"] == "true"]
    assert (screened / "hits.lst").read_text(encoding="utf-8").splitlines() == kept


def test_the_trained_model_knows_something(trained: Trained, screened: Path) -> None:
    """Half a minute's training on 256 x 256 pixels ranks well above chance, on frames it mostly trained on."""
    positive = labels_of(trained)
    assert peer.roc_auc_score(positive, [float(row["score"]) for row in verdicts_of(screened)]) > 0.8


def labels_of(trained: Trained) -> np.ndarray:
    with trained.labels.open(encoding="utf-8") as file:
        return np.array([row["label"] != "miss" for row in csv.DictReader(file)])


def test_the_threshold_asked_for_is_used(trained: Trained, screened: Path, tmp_path: Path) -> None:
    scores = sorted(float(row["score"]) for row in verdicts_of(screened))
    limit = (scores[9] + scores[10]) / 2
    arguments = ("screen", trained.run, "--model", trained.model, "--out", tmp_path / "out")
    said = done(*arguments, "--threshold", str(limit), "--threads", "1")
    assert "kept        30" in said
    assert "hit rate    75.0 %" in said
    assert re.search(r"^frames/s    \d+\.\d$", said, re.M)


def test_the_figures_are_scikit_learns(trained: Trained, screened: Path) -> None:
    rows = verdicts_of(screened)
    score = np.array([float(row["score"]) for row in rows])
    positive, kept = labels_of(trained), score >= 0.5
    said = done("evaluate", trained.run, "--model", trained.model, "--labels", trained.labels)
    figures = {name: float(value) for name, value in re.findall(r"^(\w[\w ]*\w) +([\d.]+) \[", said, re.M)}
    expected = {
        "accuracy": peer.accuracy_score(positive, kept),
        "balanced accuracy": peer.balanced_accuracy_score(positive, kept),
        "precision": peer.precision_score(positive, kept),
        "recall": peer.recall_score(positive, kept),
        "F1": peer.f1_score(positive, kept),
        "AUC": peer.roc_auc_score(positive, score),
    }
    assert figures == pytest.approx(expected, abs=6e-4)
    assert f"frames             40: {positive.sum()} hit or maybe, {(~positive).sum()} miss" in said


def test_a_labelled_frame_that_cannot_be_read_counts_as_kept(trained: Trained, tmp_path: Path) -> None:
    for index in range(3):
        np.save(
            tmp_path / f"{index}.npy", np.random.default_rng(index).poisson(1, (96, 96)).astype(np.uint16)
        )
    content = (tmp_path / "1.npy").read_bytes()
    (tmp_path / "1.npy").write_bytes(content[:-100])
    (tmp_path / "labels.csv").write_text("path,label\n0.npy,miss\n1.npy,hit\n")
    said = done("evaluate", tmp_path, "--model", trained.model, "--labels", tmp_path / "labels.csv")
    assert "frames             2: 1 hit or maybe, 1 miss" in said
    assert "unreadable         1, counted as kept" in said
    assert re.search(r"^recall +1\.000", said, re.M)


def test_one_frame_is_looked_at(trained: Trained, screened: Path, tmp_path: Path) -> None:
    rows = verdicts_of(screened)
    best = max(range(40), key=lambda index: float(rows[index]["score"]))
    picture, table = tmp_path / "best.jpg", tmp_path / "spots.csv"
    said = done("look", f"{trained.run}:{best}", "--model", trained.model, "--out", picture, "--table", table)
    assert f"frame {best}: score {float(rows[best]['score']):.3f}, kept" in said
    assert picture.read_bytes().startswith(b"\xff\xd8")
    with table.open(encoding="utf-8") as file:
        spots = list(csv.DictReader(file))
    assert f"{len(spots)} spots" in said
    assert len(spots) >= 3
    assert all(0 <= float(spot["column"]) < 256 and 0 <= float(spot["row"]) < 256 for spot in spots)
    strengths = [float(spot["significance"]) for spot in spots]
    assert strengths == sorted(strengths, reverse=True)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real images at {DATA}")
def test_real_images_are_screened(trained: Trained, tmp_path: Path) -> None:
    """The whole way on real files; how good a model of half a minute's training is, is not asked."""
    files = [
        DATA / "stills" / "thaumatin-i24" / f"thau_3_2_00{number}.cbf.bz2" for number in ("01", "15", "18")
    ]
    said = done("screen", *files, "--model", trained.model, "--out", tmp_path)
    assert "frames      3" in said
    rows = verdicts_of(tmp_path)
    assert [row["path"] for row in rows] == [str(file) for file in files]
    assert all(row["score"] for row in rows)
    assert (tmp_path / "report.html").read_text(encoding="utf-8").count("data:image/jpeg") == 6


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no real images at {DATA}")
@pytest.mark.skipif(
    not Path(model_file.__file__).with_name("default.onnx").is_file(),
    reason="no default model in the package: run scripts/build-model",
)
def test_the_packaged_model_separates_thaumatin_from_empty_frames(tmp_path: Path) -> None:
    """Frames 1 to 13 show the lattice, 16 to 18 none (README of the data); 15 is at the border."""
    done("screen", DATA / "stills" / "thaumatin-i24", "--out", tmp_path)
    scores = {int(row["path"][-12:-8]): float(row["score"]) for row in verdicts_of(tmp_path)}
    kept = {int(row["path"][-12:-8]) for row in verdicts_of(tmp_path) if row["keep"] == "true"}
    assert min(scores[n] for n in range(1, 14, 2)) > max(scores[n] for n in (16, 17, 18))
    assert set(range(1, 14, 2)) <= kept
    assert not kept & {16, 17, 18}
