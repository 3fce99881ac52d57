"""Joining labels and scores: each frame once, none missing, groups as asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fedbragg.errors import LabelError
from fedbragg.screening.guarantee.calibrate import check_enough
from fedbragg.screening.guarantee.demand import Counted, Demand, Maybe
from fedbragg.screening.guarantee.labelled_frames import LabelledFrames, count_copies, join_labels
from fedbragg.screening.guarantee.labels import GroupedLabels, check_files, read_grouped_labels
from fedbragg.screening.judge import ScoredFrame


def table(folder: Path, text: str) -> GroupedLabels:
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    return read_grouped_labels(folder / "labels.csv")


def scored_frames(folder: Path, *names: str, frames: int = 2) -> list[ScoredFrame]:
    """Frames that score a tenth, two tenths ... in order."""
    return [
        ScoredFrame(str(folder / name), index, 0.1 * (position * frames + index + 1), background=5.0)
        for position, name in enumerate(names)
        for index in range(frames)
    ]


FOUR = "path,frame,label\na.h5,0,hit\na.h5,1,maybe\nb.h5,0,miss\nb.h5,1,hit\n"


@pytest.mark.parametrize(
    ("maybe", "hit"),
    [
        (Maybe.HIT, [True, True, False, True]),
        (Maybe.MISS, [True, False, False, True]),
        (Maybe.ASIDE, [True, False, True]),
    ],
)
def test_a_maybe_counts_as_asked(tmp_path: Path, maybe: Maybe, hit: list[bool]) -> None:
    found = join_labels(scored_frames(tmp_path, "a.h5", "b.h5"), table(tmp_path, FOUR), maybe)
    assert found.hit.tolist() == hit
    assert (found.hits, found.misses) == (sum(hit), len(hit) - sum(hit))
    assert found.score[-1] == pytest.approx(0.4)
    assert found.level.tolist() == [5.0] * len(hit)


def test_frames_without_a_label_are_counted_and_left_out(tmp_path: Path) -> None:
    found = join_labels(scored_frames(tmp_path, "a.h5", "b.h5", frames=3), table(tmp_path, FOUR))
    assert (len(found.score), found.unlabelled) == (4, 2)


def test_a_label_of_a_file_holds_for_all_its_frames(tmp_path: Path) -> None:
    labels = table(tmp_path, "path,frame,label\na.h5,,miss\na.h5,1,hit\n")
    found = join_labels(scored_frames(tmp_path, "a.h5", frames=3), labels)
    assert found.hit.tolist() == [False, True, False]


def test_unreadable_hits_are_not_counted(tmp_path: Path) -> None:
    """They are kept at any threshold; counted, they would allow a higher threshold for the others."""
    given = scored_frames(tmp_path, "a.h5", "b.h5")
    given[0] = ScoredFrame(given[0].path, 0, reason="gone")
    given[2] = ScoredFrame(given[2].path, 0, reason="gone")
    found = join_labels(given, table(tmp_path, FOUR))
    assert (found.hits, found.misses) == (2, 0)
    assert (found.unreadable_hits, found.unreadable_misses) == (1, 1)


@pytest.mark.parametrize(
    ("counted", "groups"),
    [
        (Counted.FRAME, [0, 1, 2, 3]),
        (Counted.FILE, [0, 0, 1, 1]),
        (Counted.FOLDER, [0, 0, 0, 0]),
    ],
)
def test_groups_are_frames_files_or_folders(tmp_path: Path, counted: Counted, groups: list[int]) -> None:
    found = join_labels(scored_frames(tmp_path, "a.h5", "b.h5"), table(tmp_path, FOUR), Maybe.HIT, counted)
    assert found.group.tolist() == groups


def test_groups_are_those_of_the_table(tmp_path: Path) -> None:
    text = "path,frame,label,group\na.h5,0,hit,x\na.h5,1,hit,y\nb.h5,,miss,x\n"
    found = join_labels(
        scored_frames(tmp_path, "a.h5", "b.h5"), table(tmp_path, text), Maybe.HIT, Counted.GROUP
    )
    assert found.group.tolist() == [0, 1, 0, 0]


def refused(
    folder: Path, given: list[ScoredFrame], labels: GroupedLabels, counted: Counted = Counted.FRAME
) -> str:
    with pytest.raises(LabelError) as caught:
        join_labels(given, labels, Maybe.HIT, counted)
    return str(caught.value)


def test_a_row_without_its_group_is_refused(tmp_path: Path) -> None:
    given = scored_frames(tmp_path, "a.h5", "b.h5")
    for blank in ("", "  "):
        text = f"path,frame,label,group\na.h5,0,hit,x\na.h5,1,hit,{blank}\n"
        assert "1 of 2 rows name no group" in refused(tmp_path, given, table(tmp_path, text), Counted.GROUP)
    assert "4 of 4 rows name no group" in refused(tmp_path, given, table(tmp_path, FOUR), Counted.GROUP)


def test_a_labelled_frame_that_is_not_there_is_refused(tmp_path: Path) -> None:
    text = FOUR + "b.h5,7,hit\n"
    message = refused(tmp_path, scored_frames(tmp_path, "a.h5", "b.h5"), table(tmp_path, text))
    assert f"labels 1 frames that are not there, first {tmp_path / 'b.h5'} frame 7" in message


def test_a_labelled_file_that_is_not_given_is_refused(tmp_path: Path) -> None:
    labels = table(tmp_path, FOUR)
    check_files(labels, [str(tmp_path / "a.h5"), str(tmp_path / "b.h5"), str(tmp_path / "c.h5")])
    with pytest.raises(LabelError, match=r"labels 1 files that no PATH gives, first .*b\.h5"):
        check_files(labels, [str(tmp_path / "a.h5")])


def test_two_rows_of_one_frame_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"line 6: .*a\.h5 frame 1 has a label on line 3 already"):
        table(tmp_path, FOUR + "./a.h5,1,maybe\n")


def test_one_file_under_two_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.h5").touch()
    (tmp_path / "b.h5").symlink_to(tmp_path / "a.h5")
    message = refused(tmp_path, scored_frames(tmp_path, "a.h5", "b.h5"), table(tmp_path, FOUR))
    assert "b.h5 frame 0 is the same frame as in" in message


def test_copies_under_other_names_are_counted(tmp_path: Path) -> None:
    """As of a master file and its data files: paths differ, scores and levels are the same."""
    labels = table(tmp_path, "path,label\na.h5,hit\nb.h5,hit\nc.h5,miss\n")
    given = scored_frames(tmp_path, "a.h5", "b.h5", "c.h5", frames=3)
    assert count_copies(join_labels(given, labels)) == 0
    copied = [replace(frame, score=given[position % 3].score) for position, frame in enumerate(given)]
    assert count_copies(join_labels(copied, labels)) == 3
    saturated = [replace(frame, score=1.0) for frame in given]
    assert count_copies(join_labels(saturated, labels)) == 0  # many hits saturate


def test_a_table_with_too_few_hits_is_refused_before_scoring(tmp_path: Path) -> None:
    demand = Demand(max_loss=0.5, confidence=0.9)  # four hits: 0.5^4 < 0.1
    text = FOUR + "".join(f"c.h5,{index},maybe\n" for index in range(2))
    check_enough(table(tmp_path, text).table, demand)
    for maybe in (Maybe.MISS, Maybe.ASIDE):
        with pytest.raises(LabelError, match=r"2 labelled hits are too few .*: 4 are needed"):
            check_enough(table(tmp_path, text).table, replace(demand, maybe=maybe))
    check_enough(table(tmp_path, "path,label\na.h5,hit\n").table, demand)  # the file may hold enough


def test_no_frames_give_empty_arrays(tmp_path: Path) -> None:
    found = join_labels([], table(tmp_path, "path,frame,label\n"))
    assert isinstance(found, LabelledFrames)
    assert found.score.dtype == np.float64
    assert found.hits == 0
