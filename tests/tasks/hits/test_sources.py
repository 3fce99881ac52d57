"""Labelled frames from files and from the simulator, reduced to their peaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from fedbragg.errors import LabelError
from fedbragg.images import read_labels, write_labels, write_run
from fedbragg.images.open import open_files
from fedbragg.progress import Step
from fedbragg.tasks.hits.data import HitData
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.sources import labelled, public_frames
from fedbragg.types import Geometry, Label


class Counted:
    """A Progress that counts steps."""

    total: int | None = None
    done = 0

    def stage(self, title: str, total: int | None = None) -> Step:
        self.total = total
        return self._step

    def _step(self, text: str | None = None) -> None:
        self.done += 1


@pytest.fixture(scope="module")
def simulated() -> HitData:
    return public_frames(12, 4, PrepareSettings())


def test_public_frames_are_as_many_as_asked_and_show_spots_and_none(simulated: HitData) -> None:
    assert len(simulated) == 12
    assert set(simulated.spots.unique().tolist()) == {-1.0, 0.0, 1.0}


def test_the_same_seed_gives_the_same_public_frames(simulated: HitData) -> None:
    again = public_frames(12, 4, PrepareSettings())
    assert torch.equal(simulated.measures, again.measures)
    assert torch.equal(simulated.hit, again.hit)


def test_only_labelled_frames_are_taken_in_order(tmp_path: Path) -> None:
    counts = np.random.default_rng(2).poisson(2, (5, 64, 64)).astype(np.uint16)
    for index in range(5):  # frame i holds i + 1 spots of 3 x 3 pixels
        for spot in range(index + 1):
            counts[index, 10:13, 10 + 10 * spot : 13 + 10 * spot] += 20
            counts[index, 11, 11 + 10 * spot] += 80
    write_run(tmp_path / "run.h5", counts, geometry=Geometry())
    rows = [("run.h5", 4, Label.HIT), ("run.h5", 1, Label.MISS), ("run.h5", 2, Label.MAYBE)]
    write_labels(tmp_path / "labels.csv", rows)
    counted = Counted()

    data = labelled(
        open_files(tmp_path / "run.h5"),
        read_labels(tmp_path / "labels.csv"),
        PrepareSettings(),
        counted,
    )

    assert data.hit.tolist() == [0, 1, 1]
    assert data.first.diff().tolist() == [2, 3, 5]  # peaks of frames 1, 2 and 4
    assert (counted.total, counted.done) == (3, 3)  # the others are not read


def test_a_run_without_any_label_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "run.h5", np.ones((2, 64, 64), np.uint16), geometry=Geometry())
    write_labels(tmp_path / "labels.csv", [("other.h5", 0, Label.HIT)])
    with pytest.raises(LabelError, match="no frame of the run has a label"):
        labelled(open_files(tmp_path / "run.h5"), read_labels(tmp_path / "labels.csv"), PrepareSettings())


@pytest.mark.parametrize(("unit", "units"), [("file", [0, 0, 1, 2]), ("frame", [0, 1, 2, 3])])
def test_a_run_or_crystal_is_what_the_labels_say_or_else_a_file_or_frame(
    tmp_path: Path, unit: str, units: list[int]
) -> None:
    for name in ("a.h5", "b.h5"):
        write_run(tmp_path / name, np.ones((2, 64, 64), np.uint16), geometry=Geometry())
    rows = ["a.h5,0,hit,", "a.h5,1,miss,", "b.h5,0,hit,k1", "b.h5,1,hit,"]
    (tmp_path / "labels.csv").write_text("\n".join(["path,frame,label,crystal", *rows]))
    run, table = open_files([tmp_path / "a.h5", tmp_path / "b.h5"]), read_labels(tmp_path / "labels.csv")
    found = labelled(run, table, PrepareSettings(), unit=unit).units
    assert found is not None
    assert found.tolist() == units


def test_files_of_one_frame_are_a_run_by_their_folder(tmp_path: Path) -> None:
    for name in ("one/1.h5", "one/2.h5", "two/1.h5"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_run(tmp_path / name, np.ones((1, 64, 64), np.uint16), geometry=Geometry())
    write_labels(tmp_path / "labels.csv", [(f"{n}.h5", 0, Label.HIT) for n in ("one/1", "one/2", "two/1")])
    run = open_files([tmp_path / name for name in ("one/1.h5", "one/2.h5", "two/1.h5")])
    found = labelled(run, read_labels(tmp_path / "labels.csv"), PrepareSettings()).units
    assert found is not None
    assert found.tolist() == [0, 0, 1]
