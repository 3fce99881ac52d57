"""Screening on a real Ray cluster of two nodes: processes are killed, and the results are those of one machine."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from commands import FEDBRAGG, Refused, done
from test_merge import GEOMETRY, check_same, counts

from fedbragg.images import write_run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="the extra cluster is not installed"),
]
FRAMES = 1500
SHARDS = 3
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_enable_worker_prestart": "0", "RAY_AUTH_MODE": "token"}
OUTPUTS = ("--cxi", "hits.cxi", "--grid", "50x30")


@dataclass(frozen=True)
class Nodes:
    """A running cluster, its second node last."""

    address: str
    raylets: list[int]  # process ids
    environment: dict[str, str]

    def start(self, *arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(FEDBRAGG), *map(str, arguments)],
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def at_work(self, number: int) -> int | None:
        """Return the process of a node that is in the middle of a shard: its table is open and has rows on disk."""
        for pid in children(self.raylets[number]):
            if command(pid).startswith("ray::") and any(size > 3000 for size in open_tables(pid)):
                return pid
        return None


def children(parent: int) -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except FileNotFoundError:
        return []


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def open_tables(pid: int) -> list[int]:
    """Return the sizes of the tables of frames that a process has open."""
    with suppress(FileNotFoundError, ProcessLookupError):
        targets = [file.readlink() for file in Path(f"/proc/{pid}/fd").iterdir()]
        return [target.stat().st_size for target in targets if target.name == "frames.csv"]
    return []


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with tempfile.TemporaryDirectory(
        prefix="ray", dir="/tmp"
    ) as folder:  # the paths of sockets must be short
        secret = {"RAY_AUTH_TOKEN": "of this test alone, 32 bytes or more", "RAY_TMPDIR": folder}
        environment = {**os.environ, **QUIET, **secret}
        with subprocess.Popen(
            [sys.executable, "-m", "fedbragg.testing.ray_nodes", "2"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as cluster:
            assert cluster.stdout is not None
            said = json.loads(cluster.stdout.readline())
            yield Nodes(said["address"], said["raylets"], environment)
            cluster.communicate(timeout=60)


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, and the run screened on one machine."""
    folder = tmp_path_factory.mktemp("visit")
    write_run(folder / "run.h5", counts(1, range(FRAMES)), geometry=GEOMETRY)
    done("screen", folder / "run.h5", "--threads", "1", "--out", folder / "whole", *OUTPUTS)
    return folder


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 100
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.01)


def rows(out: Path) -> int:
    """Return the bytes of all tables of shards."""
    return sum(path.stat().st_size for path in out.glob("shards/*/frames.csv"))


def asked(visit: Path, nodes: Nodes, out: Path, *more: str) -> list[str]:
    where = ("--ray", nodes.address, "--out", out, "--threads", "1")
    return [*map(str, ("screen", visit / "run.h5", *where, *OUTPUTS)), *more]


def test_after_ctrl_c_the_same_command_goes_on(visit: Path, nodes: Nodes) -> None:
    out = visit / "stopped"
    process = nodes.start(*asked(visit, nodes, out, "--shards", str(SHARDS)))
    wait_for(lambda: rows(out) > 10_000, process)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert said == ""
    assert errors.count("\n") == 1, errors
    frames = int(errors.split("stopped after ")[1].split(" of 1500 frames;")[0])
    assert 0 < frames < FRAMES
    assert errors.endswith("To continue, give the same command with --resume.\n")
    resumed = nodes.start(*asked(visit, nodes, out, "--resume"))
    said, errors = resumed.communicate(timeout=100)
    assert resumed.returncode == 0, errors
    assert errors == ""
    check_same(out, visit / "whole")


def test_a_complete_screening_is_not_screened_again(visit: Path, nodes: Nodes) -> None:
    said = done(
        "screen", visit / "run.h5", "--ray", "nowhere:1", "--resume", "--out", visit / "whole", *OUTPUTS
    )
    assert "frames      1500\n" in said


def test_without_a_cluster_one_is_started_and_ends_with_the_command(visit: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "run.h5", counts(3, range(7)), geometry=GEOMETRY)
    done("screen", tmp_path / "run.h5", "--out", tmp_path / "whole", "--threads", "1")
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as folder:
        arguments = (
            "screen",
            tmp_path / "run.h5",
            "--out",
            tmp_path / "out",
            "--ray",
            "local",
            "--shards",
            "2",
        )
        result = subprocess.run(
            [str(FEDBRAGG), *map(str, arguments)],
            env={**os.environ, "RAY_TMPDIR": folder},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        assert result.stderr == ""
        assert not any(folder in command(int(pid.name)) for pid in Path("/proc").glob("[0-9]*"))
        assert not list(Path(folder).iterdir())
    check_same(tmp_path / "out", tmp_path / "whole")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--ray", "ray://head:10001"), "--ray ray://head:10001: give auto, local, or HOST:PORT"),
        (("--ray", "head:6379", "--shard", "1/2"), "--shard is for one machine, --ray for all"),
        (("--shards", "2"), "--shards applies to --ray only"),
        (("--ray", "auto", "--grid", "2x2"), "--grid 2x2: 2 x 2 is 4, but the run has 1500 frames"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_any_work(
    visit: Path, tmp_path: Path, refused_here: Refused, arguments: tuple[str, ...], says: str
) -> None:
    line = refused_here("screen", visit / "run.h5", "--out", tmp_path / "out", *arguments)
    assert line.startswith(says)
    assert not (tmp_path / "out").exists()


def test_an_address_without_a_cluster_is_named_in_one_line(
    visit: Path, tmp_path: Path, refused_here: Refused
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    tables = (visit / "whole" / "verdicts.csv").read_bytes()
    refused_here("screen", visit / "run.h5", "--out", visit / "whole", "--ray", address)
    assert (visit / "whole" / "verdicts.csv").read_bytes() == tables  # an earlier screening is still there
    assert refused_here("screen", visit / "run.h5", "--out", tmp_path / "out", "--ray", address) == (
        f"--ray {address}: no cluster answers there. Start one (`ray start --head`), or give the address that it "
        "printed."
    )


def test_a_cluster_with_another_secret_is_refused_in_one_line(
    visit: Path, tmp_path: Path, nodes: Nodes
) -> None:
    process = nodes.start(
        *asked(visit, nodes, tmp_path / "out"), RAY_AUTH_TOKEN="another secret, of 32 bytes or more"
    )
    said, errors = process.communicate(timeout=100)
    assert (process.returncode, said) == (2, "")
    assert errors.startswith(f"fedbragg: --ray {nodes.address}: no connection (")
    assert errors.count("\n") == 1, errors


def test_a_lost_node_and_a_killed_worker_change_nothing(visit: Path, nodes: Nodes) -> None:
    """A node is killed in the middle of a shard, then the other's worker; the cluster is of no use afterwards."""
    out = visit / "killed"
    process = nodes.start(*asked(visit, nodes, out, "--shards", str(SHARDS)))
    wait_for(lambda: nodes.at_work(1) is not None, process)
    for pid in (nodes.raylets[1], *children(nodes.raylets[1])):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(list(out.glob("shards/*-try-2"))) == 1, process)
    wait_for(lambda: nodes.at_work(0) is not None, process)
    worker = nodes.at_work(0)
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert len(errors.splitlines()) == 2, errors
    assert all(re.match(r"fedbragg: shard ./3 was lost on ", line) for line in errors.splitlines())
    assert errors.endswith(": its process died. It will continue.\n")
    check_same(out, visit / "whole")
