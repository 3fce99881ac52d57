"""Tagging a run, from Python."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import fedbragg
from fedbragg.images import open_run
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.tags.predictor import TagPredictor
from fedbragg.testing import FakeRun
from fedbragg.types import Frame, Unreadable
from fedbragg.workflows.identify_tags import TagFolder, identify_tags, open_images


def frame(index: int, level: float = 5) -> Frame:
    counts = np.random.default_rng(index).poisson(level, (32, 40)).astype(np.int32)
    return Frame(counts, np.zeros(counts.shape, bool), "made", index)


def with_faults(index: int) -> Frame | Unreadable:
    if index % 5 == 3:
        return Unreadable("made", index, "cut short")
    made = frame(index)
    return Frame(made.counts, np.ones_like(made.mask), "made", index) if index % 5 == 4 else made


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("threads", [1, 2])
def test_every_image_has_an_answer_in_order(tag_model: Path, threads: int) -> None:
    images = list(fedbragg.tag_images(FakeRun(20, with_faults), tag_model, threads))
    assert [image.index for image in images] == list(range(20))
    for image in images:
        if image.index % 5 < 3:
            assert image.probabilities is not None
            assert list(image.probabilities) == list(TAGS)
            assert (image.reason, image.path) == ("", "made")
        else:
            assert image.probabilities is None
            reasons = {3: "cut short", 4: "has no valid pixel; check its mask."}
            assert image.reason == reasons[image.index % 5]


def test_paths_and_opened_models_are_taken(tag_model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "run.npy", frame(1).counts)
    predictor = fedbragg.load_model(tag_model)
    assert isinstance(predictor, TagPredictor)
    by_path = list(fedbragg.tag_images(tmp_path / "run.npy", str(tag_model)))
    by_model = list(fedbragg.tag_images([tmp_path / "run.npy"], predictor))
    assert by_path[0].probabilities == by_model[0].probabilities
    known = predictor(open_run(tmp_path / "run.npy")[0]).probabilities
    assert by_path[0].probabilities == dict(zip(TAGS, known.tolist(), strict=True))


def test_answers_come_while_the_run_is_read(tag_model: Path) -> None:
    """A run may be longer than memory: few images are read ahead of the answers taken."""
    read: list[int] = []

    def make(index: int) -> Frame:
        read.append(index)
        return frame(index)

    answers = fedbragg.tag_images(FakeRun(1000, make), tag_model, 2)
    next(answers)
    assert len(read) < 30
    answers.close()  # type: ignore[attr-defined]


def stopping(at: int) -> Callable[[int], Frame]:
    def make(index: int) -> Frame:
        if index == at:
            raise KeyboardInterrupt
        return frame(index)

    return make


def test_an_interrupted_run_leaves_the_rows_before(tag_model: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        identify_tags(FakeRun(1000, stopping(300)), TagPredictor(tag_model), TagFolder(tmp_path), threads=1)
    assert [int(row["frame"]) for row in rows(tmp_path / "tags.csv")] == list(range(300))
    assert not (tmp_path / "tags.html").exists()


def test_rows_are_on_disk_before_the_run_ends(tag_model: Path, tmp_path: Path) -> None:
    table = tmp_path / "tags.csv"
    seen: list[int] = []

    def make(index: int) -> Frame:
        if index == 900:
            seen.append(len(table.read_text().splitlines()))
        return frame(index)

    identify_tags(FakeRun(1000, make), TagPredictor(tag_model), TagFolder(tmp_path, page=False), threads=1)
    assert seen[0] > 600
    assert len(rows(table)) == 1000


def test_a_long_run_has_a_page_of_some_of_its_images(tag_model: Path, tmp_path: Path) -> None:
    made = frame(1)
    found = identify_tags(
        FakeRun(1200, lambda index: Frame(made.counts + index, made.mask, "made", index)),
        TagPredictor(tag_model),
        TagFolder(tmp_path),
        threads=1,
    )
    assert found.tally.images == 1200
    assert (found.tally.counts.sum(axis=1) == 1200).all()
    page = (tmp_path / "tags.html").read_text(encoding="utf-8")
    assert "of 1,200 images" in page
    assert 300 < page.count('"jpeg"') <= 800


def test_an_output_over_an_image_is_refused(tmp_path: Path) -> None:
    from fedbragg.errors import ConfigError

    image = tmp_path / "all.parquet"
    np.save(tmp_path / "a.npy", frame(1).counts)
    (tmp_path / "a.npy").rename(image)
    with pytest.raises(ConfigError, match="is one of the images"):
        open_images([str(image)], TagFolder(tmp_path, Path("all.parquet")))
