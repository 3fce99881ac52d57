"""Tables of labels and the annotations of CXIDB entry 76."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fedbragg.errors import LabelError
from fedbragg.images import read_cxidb_annotation, read_labels, write_labels
from fedbragg.types import Label


def table(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text)
    return path


def test_paths_start_at_the_tables_folder_and_a_frames_label_overrules_its_files(tmp_path: Path) -> None:
    labels = read_labels(
        table(tmp_path, "path,frame,label\nrun.h5,3,HIT\nsub/../run.h5,,miss\n/abs.cbf,0,maybe\n")
    )
    assert labels.label(tmp_path / "run.h5", 3) is Label.HIT
    assert labels.label(tmp_path / "run.h5", 4) is Label.MISS
    assert labels.label("/abs.cbf", 0) is Label.MAYBE
    assert labels.label("/abs.cbf", 1) is None
    assert labels.label("run.h5", 3) is None  # relative to this folder, not to the table's
    assert len(labels) == 3


def test_a_table_without_frames_labels_files(tmp_path: Path) -> None:
    labels = read_labels(table(tmp_path, "path,label\na.cbf,hit\n"))
    assert labels.label(tmp_path / "a.cbf", 17) is Label.HIT


def test_a_written_table_reads_back(tmp_path: Path) -> None:
    rows = [("a,b.h5", 0, Label.HIT), ("a,b.h5", 1, Label.MISS), ("c.cbf", None, Label.MAYBE)]
    assert write_labels(tmp_path / "out.csv", rows) == 3
    labels = read_labels(tmp_path / "out.csv")
    assert labels.label(tmp_path / "a,b.h5", 1) is Label.MISS
    assert labels.label(tmp_path / "c.cbf", 9) is Label.MAYBE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,label\na,hit\n", "the first line must be path,frame,label"),
        ("", "the first line must be"),
        ("path,label\na.cbf,good\n", "line 2: unknown label 'good'. Known labels: hit, maybe, miss"),
        ("path,frame,label\na.h5,one,hit\n", "line 2: frame 'one'"),
        ("path,frame,label\na.h5,-1,hit\n", "line 2: frame '-1'"),
        ("path,label\n,hit\n", "line 2: path or label is missing"),
        ("path,frame,label\na.h5\n", "line 2: path or label is missing"),
        ("path,frame,label\na.h5,1,hit\na.h5,1,miss\n", "line 3: a.h5 is called hit above and miss here"),
    ],
)
def test_a_bad_table_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(LabelError, match=words):
        read_labels(table(tmp_path, text))


def test_a_missing_table_and_one_that_is_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="no such file"):
        read_labels(tmp_path / "no.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(LabelError, match="cannot be read"):
        read_labels(tmp_path / "binary.csv")


def test_annotations_count_frames_from_one(tmp_path: Path) -> None:
    (tmp_path / "expert.txt").write_text("r0027_2000.h5 [1] MISS\nr0027_2000.h5 [2] HIT\n")
    labels = read_cxidb_annotation(tmp_path / "expert.txt", "/data")
    assert labels.label("/data/r0027_2000.h5", 1) is Label.HIT
    (tmp_path / "expert.txt").write_text("r0027_2000.h5 [0] MISS\n")
    with pytest.raises(LabelError, match=r"line 1: .* is not an annotation"):
        read_cxidb_annotation(tmp_path / "expert.txt")


PUBLISHED = {
    "L498": (148, 498, 1354),
    "LG36": (235, 57, 1708),
    "LN83": (346, 63, 1591),
    "LN84": (806, 132, 1062),
    "LO19": (730, 151, 1119),
}
"""Hit, maybe and miss of each set of CXIDB entry 76 (Ke et al., J. Synchrotron Rad. 25, 655, 2018)."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_annotations_have_the_published_counts(real_data: Path, name: str) -> None:
    labels = read_cxidb_annotation(real_data / "labels" / "cxidb-76" / name / "expert_annotation.txt")
    counts = Counter(labels.frames.values())
    assert (counts[Label.HIT], counts[Label.MAYBE], counts[Label.MISS]) == PUBLISHED[name]
    assert {frame for _, frame in labels.frames} == set(range(2000))
