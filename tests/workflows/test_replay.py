"""What a replayed run sends, read by our own reader: every frame has the counts and the mask that the file has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedbragg.errors import RunError
from fedbragg.images import open_run, write_run
from fedbragg.live.source import LiveFrame, SeriesEnd, SeriesStart
from fedbragg.live.stream_reader import StreamReader
from fedbragg.types import Frame, Geometry
from fedbragg.workflows import replay as module
from fedbragg.workflows.replay import ReplayRequest, replay

GEOMETRY = Geometry("made for a test", 0.9763, 0.175, (35.5, 20.25), (75e-6, 80e-6))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the list to which messages are sent instead of a socket."""
    messages: list[bytes] = []

    class Push:
        def __init__(self, address: str, *, bind: bool) -> None: ...

        def send(self, parts: list[bytes], stopped: Any) -> bool:
            messages.extend(parts)
            return True

        def close(self, linger: int = 0) -> None: ...

    monkeypatch.setattr("fedbragg.live.push.Push", Push)
    return messages


def replayed(*paths: Path, **options: Any) -> module.Replayed:
    request = ReplayRequest([str(path) for path in paths], "tcp://*:1", **options)
    return replay(request, lambda: False, lambda: None)


def frames(messages: list[bytes]) -> Iterator[Frame]:
    reader = StreamReader()
    for event in map(reader.event, messages):
        if isinstance(event, LiveFrame):
            yield event.read()


def counts(dtype: str, number: int) -> np.ndarray[Any, Any]:
    made = np.random.default_rng(number).poisson(5, (40, 50)).astype(dtype)
    made[7, 8] = 30_000 if made.itemsize > 1 else 200
    return made


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i4"])
@pytest.mark.parametrize("saturation", [None, 100])
def test_every_frame_has_the_counts_and_the_mask_of_the_file(
    tmp_path: Path, sent: list[bytes], dtype: str, saturation: int | None
) -> None:
    mask = np.zeros((40, 50), np.bool_)
    mask[3:5] = True
    made = [counts(dtype, number) for number in range(3)]
    write_run(tmp_path / "run.h5", made, geometry=GEOMETRY, mask=mask, saturation=saturation)
    result = replayed(tmp_path / "run.h5", series="mine")
    assert (result.messages, result.left_out, result.stopped) == (5, 0, False)
    first, last = (StreamReader().event(sent[place]) for place in (0, -1))
    assert first == SeriesStart("mine", sent[0], 3)
    assert last == SeriesEnd("mine", sent[-1])
    for ours, theirs in zip(frames(sent), open_run(tmp_path / "run.h5").frames(), strict=True):
        assert isinstance(theirs, Frame)
        np.testing.assert_array_equal(ours.counts, theirs.counts)
        np.testing.assert_array_equal(ours.mask, theirs.mask)
        assert ours.beam_centre == theirs.beam_centre == (35.5, 20.25)


def test_a_mask_that_no_message_can_carry_is_marked_in_the_counts(
    tmp_path: Path, sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other formats mask pixels by rules of their own, here a saturation that only the frame's mask shows."""
    made = counts("u2", 1)
    np.save(tmp_path / "run.npy", made[np.newaxis])
    mask = np.zeros((40, 50), np.bool_)
    mask[7, 8] = mask[0, 0] = True
    frame = Frame(made, mask, "run.npy", 0)
    monkeypatch.setattr("fedbragg.images.run.FileRun.frames", lambda *_: iter([frame]))
    replayed(tmp_path / "run.npy")
    (ours,) = frames(sent)
    np.testing.assert_array_equal(ours.mask, mask)
    np.testing.assert_array_equal(ours.counts[~mask], made[~mask])


def test_frames_of_another_shape_are_sent_as_they_are(tmp_path: Path, sent: list[bytes]) -> None:
    mask = np.zeros((40, 50), np.bool_)
    mask[3:5] = True
    write_run(tmp_path / "a.h5", [counts("u2", 1)], geometry=GEOMETRY, mask=mask)
    write_run(tmp_path / "b.h5", [counts("u2", 2)[:20]], geometry=GEOMETRY)
    replayed(tmp_path / "a.h5", tmp_path / "b.h5")
    assert [frame.counts.shape for frame in frames(sent)] == [(40, 50), (20, 50)]


def test_a_recording_is_sent_byte_for_byte(tmp_path: Path, sent: list[bytes]) -> None:
    for number, content in enumerate((b"one", b"two"), 1):
        (tmp_path / f"{number:06}.cbor").write_bytes(content)
    assert replayed(tmp_path).messages == 2
    assert sent == [b"one", b"two"]


def test_a_run_of_nothing_but_unreadable_frames_is_refused(tmp_path: Path, sent: list[bytes]) -> None:
    (tmp_path / "a.cbf").write_bytes(b"no CBF")
    (tmp_path / "b.cbf").write_bytes(b"no CBF")
    with pytest.raises(RunError, match="no frame can be read"):
        replayed(tmp_path / "a.cbf", tmp_path / "b.cbf")
    assert sent == []
