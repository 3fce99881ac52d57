from __future__ import annotations

from pathlib import Path

import pytest

from fedbragg.errors import RunError
from fedbragg.live.recording import Recorder, recorded_messages


def test_messages_are_numbered_and_a_second_recorder_goes_on(tmp_path: Path) -> None:
    lines: list[str] = []
    for part in (b"one", b"two"):
        record = Recorder(tmp_path / "kept", lines.append)
        record(part)
        record(part * 2)
    files = recorded_messages(tmp_path / "kept")
    assert [path.name for path in files] == ["000001.cbor", "000002.cbor", "000003.cbor", "000004.cbor"]
    assert [path.read_bytes() for path in files] == [b"one", b"oneone", b"two", b"twotwo"]
    assert lines == []


def test_a_folder_that_goes_away_ends_the_recording_in_one_line(tmp_path: Path) -> None:
    lines: list[str] = []
    record = Recorder(tmp_path / "kept", lines.append)
    record(b"one")
    (tmp_path / "kept" / "000001.cbor").unlink()
    (tmp_path / "kept").rmdir()
    record(b"two")
    record(b"three")
    assert lines == [f"{tmp_path / 'kept'}: recording ended after 1 messages (No such file or directory)"]


def test_a_detectors_three_files_are_a_recording_too(tmp_path: Path) -> None:
    for name in ("end", "image", "start"):
        (tmp_path / f"{name}.cbor").write_bytes(name.encode())
    assert [path.stem for path in recorded_messages(tmp_path)] == ["start", "image", "end"]


def test_an_empty_folder_is_none(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no recorded message"):
        recorded_messages(tmp_path)
