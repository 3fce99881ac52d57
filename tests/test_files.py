"""A file is whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedbragg.files import write_whole, written_whole


@pytest.mark.parametrize("durable", [False, True])
def test_text_and_bytes_are_written(tmp_path: Path, *, durable: bool) -> None:
    write_whole(tmp_path / "a", "é", durable=durable)
    write_whole(tmp_path / "b", b"\x00\xff", durable=durable)
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa9"
    assert (tmp_path / "b").read_bytes() == b"\x00\xff"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_an_error_leaves_the_old_content_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("old")
    with pytest.raises(RuntimeError), written_whole(path) as fresh:
        fresh.write_text("half")
        assert path.read_text() == "old"  # a reader still sees it
        raise RuntimeError
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "file", b"")
