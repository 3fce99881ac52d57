from pathlib import Path

import pytest

from fedbragg.errors import LabelError
from fedbragg.tasks.tags.labels import read_tags

NAMES = ("ring", "halo")


def table(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text)
    return path


def test_a_table_says_there_not_there_or_nothing(tmp_path: Path) -> None:
    tags = read_tags(table(tmp_path, "path,halo,ring,other\na.cbf,0,1,9\nsub/b.cbf,,0,\n"), NAMES)
    assert tags.tags(str(tmp_path / "a.cbf"), 0).tolist() == [1, 0]
    assert tags.tags(str(tmp_path / "a.cbf"), 7).tolist() == [1, 0]
    assert tags.tags(str(tmp_path / "sub" / "b.cbf"), 0).tolist() == [0, -1]
    assert tags.tags(str(tmp_path / "c.cbf"), 0) is None


def test_a_frames_own_row_goes_before_its_files(tmp_path: Path) -> None:
    tags = read_tags(table(tmp_path, "path,frame,ring\nrun.h5,,0\nrun.h5,4,1\n"), NAMES)
    assert tags.tags(str(tmp_path / "run.h5"), 4).tolist() == [1, -1]
    assert tags.tags(str(tmp_path / "run.h5"), 5).tolist() == [0, -1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,ring\na.cbf,yes\n", "line 2: ring is 'yes'"),
        ("path,ring\n,1\n", "line 2: names no image"),
        ("path,frame,ring\na.cbf,one,1\n", "line 2: frame 'one'"),
        ("path,ring\na.cbf,1\na.cbf,0\n", "line 3: the same image stands above"),
        ("file,ring\na.cbf,1\n", "no column 'path'"),
        ("path,rings\na.cbf,1\n", "no column is a tag. Known tags: ring, halo"),
        ("path,ring\n", "has no row"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LabelError, match=said):
        read_tags(table(tmp_path, text), NAMES)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"none\.csv: cannot be read \(No such file"):
        read_tags(tmp_path / "none.csv", NAMES)


def test_a_table_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"path,ring\n\xff\xfe\x00,1\n")
    with pytest.raises(LabelError, match="cannot be read"):
        read_tags(path, NAMES)
