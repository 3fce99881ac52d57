"""Files of a run: counted once, and requested frame by frame in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from run_checks import MadeSource

from fedbragg.errors import RunError
from fedbragg.images.run_files import RunFiles


def made_files(lengths: list[int | None]) -> RunFiles:
    """Return files with these numbers of frames; None is a file that cannot be opened."""

    def open_file(path: str) -> MadeSource:
        length = lengths[int(path.removesuffix(".h5"))]
        if length is None:
            raise RunError(f"{path}: damaged.")
        return MadeSource(path, length)

    return RunFiles([f"{number}.h5" for number in range(len(lengths))], open_file)


LENGTHS = st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=6)
POSITION = st.integers(-3, 25)


@given(lengths=LENGTHS, start=POSITION, stop=st.one_of(st.none(), POSITION), counted=st.booleans())
def test_requests_are_the_slice_of_all_frames(
    lengths: list[int | None], start: int, stop: int | None, counted: bool
) -> None:
    files = made_files(lengths)
    if counted:
        assert files.starts[-1] == sum(1 if length is None else length for length in lengths)
    every = [
        (f"{number}.h5", index)
        for number, length in enumerate(lengths)
        for index in range(1 if length is None else length)
    ]
    requests = [(request.source.path, request.index) for request in files.requests(start, stop)]
    assert requests == every[max(start, 0) : None if stop is None else max(stop, 0)]


@given(lengths=LENGTHS)
def test_every_position_is_found_in_its_file(lengths: list[int | None]) -> None:
    files = made_files(lengths)
    found = [files.find(position) for position in range(files.starts[-1])]
    assert found == [
        (number, index)
        for number, length in enumerate(lengths)
        for index in range(1 if length is None else length)
    ]


def test_files_of_single_frames_are_counted_without_being_opened() -> None:
    def fail(path: str) -> MadeSource:
        raise AssertionError(path)

    files = RunFiles(["a.cbf", "b.img", "c.mccd.gz"], fail)
    assert files.starts == [0, 1, 2, 3]


def test_files_before_the_first_frame_asked_for_are_not_opened_again() -> None:
    opened: list[str] = []

    def open_file(path: str) -> MadeSource:
        opened.append(path)
        return MadeSource(path, 3)

    files = RunFiles(["0.h5", "1.h5", "2.h5", "3.h5"], open_file)
    assert files.starts[-1] == 12
    opened.clear()
    assert [request.index for request in files.requests(7, 10)] == [1, 2, 0]
    assert opened == ["2.h5", "3.h5"]


def test_a_file_that_became_shorter_since_it_was_counted_keeps_its_place() -> None:
    lengths: list[int | None] = [3, 2]
    files = made_files(lengths)
    assert files.starts == [0, 3, 5]
    lengths[0] = 1
    files.open(1)  # the first file is no longer open
    requests = list(files.requests(0, None))
    assert [request.source.path for request in requests] == ["0.h5"] * 3 + ["1.h5"] * 2
    assert [len(request.source) for request in requests[1:3]] == [
        1,
        1,
    ]  # opened again when read, to report it
