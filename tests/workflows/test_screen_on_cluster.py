"""Screening on a cluster of two nodes that are threads of this process: losses, refusals, and tasks that live on."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from fedbragg.errors import ClusterError, ConfigError, InputError
from fedbragg.images import write_run
from fedbragg.screening.outputs.requested import Outputs
from fedbragg.screening.shards.attempts import newest_tries
from fedbragg.screening.shards.shard import Shard
from fedbragg.screening.stop_signal import StopSignal
from fedbragg.tasks import hits
from fedbragg.types import Geometry
from fedbragg.workflows.cluster.begin import begin_on_cluster, make_shards
from fedbragg.workflows.cluster.nodes import Ended, Node
from fedbragg.workflows.cluster.screen_shards import ClusterScreening, Screener, ShardState, screen_shards
from fedbragg.workflows.cluster.shard_task import ShardAnswer, ShardTask, run_shard
from fedbragg.workflows.screen import Screening

FRAMES = 40
Task = Callable[[str], Ended]


@dataclass
class Threads:
    """A cluster of two threads; ``instead`` says what happens to the first tasks."""

    instead: list[Task] = field(default_factory=list)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2))
    running: dict[Future[Ended], str] = field(default_factory=dict)

    def nodes(self) -> Sequence[Node]:
        return [Node("a", "node01", 1), Node("b", "node02", 1)]

    def start(self, node: Node, task: str) -> None:
        work = self.instead.pop(0) if self.instead else lambda text: Ended("", run_shard(text))
        self.running[self.pool.submit(work, task)] = node.key

    def ended(self, seconds: float) -> Sequence[Ended]:
        done = wait(self.running, timeout=0.02).done
        return [
            Ended(self.running.pop(f), f.result().answer, f.result().error, f.result().lost) for f in done
        ]

    def cancel(self) -> None:
        wait(self.running)


@dataclass
class Said:
    """What the user saw."""

    lines: list[str] = field(default_factory=list)
    states: Sequence[ShardState] = ()

    def show(self, states: Sequence[ShardState]) -> None:
        self.states = states

    def tell(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "run.h5"
    write_run(
        path, np.random.default_rng(1).poisson(2, (FRAMES, 80, 80)).astype(np.uint16), geometry=Geometry()
    )
    return path


@pytest.fixture
def screening(tmp_path: Path) -> Screening:
    predictor = hits.open_model(hits.default_model())
    return Screening(predictor, predictor.card.threshold, tmp_path / "out", 1, Outputs())


def screened(
    run: Path, screening: Screening, cluster: Threads, said: Said | None = None, *, resume: bool = False
) -> Screener:
    begun = begin_on_cluster([str(run)], screening, resume=resume)
    folders = make_shards(begun, None if resume else 3, 2)
    return screen_shards(ClusterScreening(folders, FRAMES, 1), cluster, said or Said(), StopSignal())


def tables(screener: Screener) -> list[bytes]:
    return [(folder / "frames.csv").read_bytes() for folder in screener.folders]


def test_a_lost_task_that_still_runs_does_not_disturb_the_next(
    run: Path, screening: Screening, tmp_path: Path
) -> None:
    zombies: list[str] = []

    def lost(text: str) -> Ended:
        zombies.append(text)
        return Ended("", error="the node died", lost=True)

    def beside_the_lost_one(text: str) -> Ended:
        assert run_shard(zombies[0]) == run_shard(text)  # the first is given up, and works on
        return Ended("", run_shard(text))

    plain = screened(run, screening, Threads())
    expected = tables(plain)
    said = Said()
    rest = Threads([lost, lambda text: Ended("", run_shard(text)), beside_the_lost_one])
    screener = screened(run, screening, rest, said)
    assert tables(screener) == expected
    assert screener.losses == 1
    assert said.lines == ["shard 1/3 was lost on node01: the node died. It will continue."]
    assert [folder.name for folder in screener.folders] == ["1-of-3-try-2", "2-of-3-try-1", "3-of-3-try-1"]
    assert [(state.state, state.done, state.frames) for state in said.states] == [
        ("done", 13, 13),
        ("done", 13, 13),
        ("done", 14, 14),
    ]


def test_a_node_that_cannot_screen_is_left_out_and_the_others_go_on(run: Path, screening: Screening) -> None:
    said = Said()
    cluster = Threads([lambda text: Ended("", error="No module named 'fedbragg'")])
    screener = screened(run, screening, cluster, said)
    assert screener.frames_done() == FRAMES
    assert said.lines == ["node01 gets no more shards; on shard 1 it says: No module named 'fedbragg'"]
    assert {state.node for state in said.states} == {"node02"}


def test_where_all_refuse_the_reason_is_the_error(run: Path, screening: Screening) -> None:
    full = '{"problem": "OUT: cannot write there (No space left on device).", "stopped": 0}'
    with pytest.raises(
        ClusterError, match=r"on node0\d: OUT: cannot write there \(No space left on device\)"
    ):
        screened(run, screening, Threads([lambda text: Ended("", full)] * 2))


def test_a_task_that_a_signal_stopped_counts_as_lost(run: Path, screening: Screening) -> None:
    said = Said()
    screener = screened(run, screening, Threads([lambda text: Ended("", '{"stopped": 15}')]), said)
    assert screener.losses == 1
    assert said.lines == ["shard 1/3 was lost on node01: its process got signal 15. It will continue."]


def test_a_checkpoint_that_cannot_be_read_for_a_moment_disturbs_nothing(
    run: Path, screening: Screening
) -> None:
    def unreadable_at_first(text: str) -> Ended:
        path = Path(json.loads(text)["folder"]) / "screening.json"
        whole = path.read_text()
        path.write_text("{")
        time.sleep(0.2)
        path.write_text(whole)
        return Ended("", run_shard(text))

    said = Said()
    screener = screened(run, screening, Threads([unreadable_at_first]), said)
    assert screener.frames_done() == FRAMES
    assert said.lines == []


def test_what_a_node_wrote_elsewhere_is_missed_here(
    run: Path, screening: Screening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedbragg.workflows.cluster.screen_shards.UNSEEN", 0.1)
    cluster = Threads([lambda text: Ended("", '{"problem": ""}')])
    with pytest.raises(ClusterError, match="--out must lie on a file system that all nodes share"):
        screened(run, screening, cluster)


def test_complete_shards_are_kept_and_others_continue(run: Path, screening: Screening) -> None:
    begun = begin_on_cluster([str(run)], screening, resume=False)
    folders = make_shards(begun, 3, 2)
    first = folders[Shard(1, 3)]
    assert ShardAnswer.from_json(run_shard(ShardTask(str(first), 1).to_json())) == ShardAnswer()
    written = (first / "frames.csv").stat()
    screener = screened(run, screening, Threads(), resume=True)
    assert screener.folders[0] == first
    assert (first / "frames.csv").stat().st_mtime_ns == written.st_mtime_ns
    assert [folder.name[-1] for folder in screener.folders] == ["1", "2", "2"]
    assert screener.frames_done() == FRAMES
    make_shards(begin_on_cluster([str(run)], screening, resume=False), 2, 2)
    assert {shard.count for shard in newest_tries(screening.out)} == {2}  # those of the first are gone


def test_the_number_of_shards(run: Path, screening: Screening) -> None:
    begun = begin_on_cluster([str(run)], screening, resume=False)
    assert len(make_shards(begun, None, 16)) == 1  # 40 frames are fewer than a shard's 1000
    with pytest.raises(ConfigError, match="--shards 2: this screening has 1 shards"):
        make_shards(begin_on_cluster([str(run)], screening, resume=True), 2, 16)
    begun = begin_on_cluster([str(run)], screening, resume=False)
    assert len(make_shards(begun, 1000, 16)) == FRAMES


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda folder: (folder / "shard.json").unlink(),
            "--out must lie on a file system that all nodes share",
        ),
        (
            lambda folder: edit(folder / "shard.json", '"version": "', '"version": "9.'),
            "Install the same version on all nodes",
        ),
        (
            lambda folder: edit(folder / "shard.json", f'"folder": "{Path.cwd()}', '"folder": "/nowhere'),
            "/nowhere: is not there on this node",
        ),
        (lambda folder: (folder / "screening.json").unlink(), "its checkpoint is gone"),
    ],
)
def test_a_node_says_why_it_cannot_screen(
    run: Path, screening: Screening, change: Callable[[Path], object], says: str
) -> None:
    (folder,) = make_shards(begin_on_cluster([str(run)], screening, resume=False), None, 1).values()
    change(folder)
    answer = ShardAnswer.from_json(run_shard(ShardTask(str(folder), 1).to_json()))
    assert says in answer.problem
    assert "\n" not in answer.problem


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_changed_run_is_not_resumed(run: Path, screening: Screening, tmp_path: Path) -> None:
    copy = tmp_path / "run.h5"
    copy.write_bytes(run.read_bytes())
    make_shards(begin_on_cluster([str(copy)], screening, resume=False), 2, 2)
    with copy.open("ab") as file:
        file.write(b"more")
    with pytest.raises(InputError, match="cannot be resumed, because the files changed"):
        begin_on_cluster([str(copy)], screening, resume=True)
