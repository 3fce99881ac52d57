from __future__ import annotations

import io

import pytest

from fedbragg.cli import progress_line
from fedbragg.cli.progress_line import ProgressLine
from fedbragg.live.watch import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_line_shows_rate_hits_queue_and_missing_and_makes_room_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, terminal = [100.0], Terminal()
    monkeypatch.setattr(progress_line.time, "monotonic", lambda: now[0])
    monkeypatch.setattr("sys.stderr", terminal)
    line = ProgressLine()
    line.update(Progress(frames=50, waiting=3))  # too early
    now[0] = 102.0
    line.update(Progress(frames=260, kept=31, waiting=3, missing=2))
    line.over(lambda: terminal.write("a warning\n") and None)
    assert terminal.getvalue() == (
        "\r\x1b[2K130.0 frames/s, 260 frames, 31 kept, 3 waiting, 2 missing\r\x1b[2Ka warning\n"
    )


def test_nothing_is_drawn_off_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = io.StringIO()
    monkeypatch.setattr("sys.stderr", plain)
    line = ProgressLine()
    monkeypatch.setattr(progress_line, "REFRESH", -1.0)
    line.update(Progress(frames=50, waiting=3))
    assert plain.getvalue() == ""
