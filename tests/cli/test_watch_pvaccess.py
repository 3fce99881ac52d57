"""`fedbragg watch pva://` of a server in another process, the figures it serves, and `replay --to pva://`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Refused, here
from p4p.client.thread import Context
from watching import PATIENCE, watching

sys.path.append(str(Path(__file__).parents[1] / "live"))

from messages import counts_of

from fedbragg.images import open_run, write_run
from fedbragg.types import Geometry

pytestmark = pytest.mark.slow

SERVER = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[1] / "live")!r})
import numpy as np
from messages import counts_of
from p4p import Value
from p4p.nt import NTNDArray
from p4p.server import Server
from p4p.server.thread import SharedPV
kind = NTNDArray.buildType()
images = SharedPV(initial=Value(kind, {{}}))
with Server(providers=[{{"test:image": images}}]):
    for line in sys.stdin:
        number, codec = line.split()
        data = counts_of(int(number)).ravel() if codec == "none" else np.zeros(50, np.uint8)
        member = "ushortValue" if codec == "none" else "ubyteValue"
        images.post(Value(kind, {{"value": (member, data), "uniqueId": 1000 + int(number),
            "codec": {{"name": "" if codec == "none" else codec}}, "dimension": [{{"size": 90}}, {{"size": 72}}]}}))
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def serving(port: int) -> dict[str, str]:
    """Return the settings of a server at a port of this machine."""
    return {
        "EPICS_PVAS_SERVER_PORT": str(port),
        "EPICS_PVAS_BROADCAST_PORT": str(port),
        "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
    }


def asking(port: int) -> dict[str, str]:
    """Return the settings of a client of that server."""
    return {
        "EPICS_PVA_ADDR_LIST": "127.0.0.1",
        "EPICS_PVA_BROADCAST_PORT": str(port),
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
    }


@contextmanager
def client(port: int) -> Iterator[Context]:
    """Give a client of the server at a port, once that is there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with Context("pva", conf=asking(port), useenv=False, nt=False) as context:
        yield context


def test_a_channel_is_screened_and_missing_images_are_counted(tmp_path: Path) -> None:
    images, figures = free_port(), free_port()
    env = {**serving(figures), **asking(images)}
    command, settings = [sys.executable, "-c", SERVER], {**os.environ, **serving(images)}
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=settings) as server,
        client(images),
        watching(tmp_path, "pva://test:image", "--pv", "TEST", "--nxmx", env=env) as watch,
        client(figures) as context,
    ):
        assert server.stdin is not None
        sent = [0, 1, 2, 3, 6, 7, 8]
        # Each is waited for: a channel keeps its latest image only.
        for count, number in enumerate(sent, 1):
            server.stdin.write(f"{number} {'jpeg' if number == 7 else 'none'}\n")
            server.stdin.flush()
            watch.wait_for(lambda count=count: len(watch.verdicts("test_image")) == count)
        verdicts = watch.verdicts("test_image")
        assert [verdict.index for verdict in verdicts] == sent
        assert verdicts[5].reason.startswith("its codec is jpeg, which changes counts.")
        time.sleep(0.7)
        kept = sum(verdict.keep for verdict in verdicts if verdict.score is not None)
        assert [float(context.get(f"TEST:{name}").value) for name in ("HITRATE", "FRAMES", "MISSING")] == [
            kept / 6,
            7,
            2,
        ]
        server.kill()
        watch.wait_for(
            lambda: "nobody serves this channel now; waiting" in watch.errors.split("connected")[-1]
        )
        assert watch.ended(signal.SIGINT) == 128 + signal.SIGINT
    assert "missing     2 (images 4-5)" in watch.said
    run = open_run(tmp_path / "out/test_image/kept.nxs")
    places = [verdict.index for verdict in verdicts if verdict.keep and verdict.score is not None]
    for place, number in enumerate(places):
        np.testing.assert_array_equal(run[place].counts, counts_of(number))


def test_a_run_is_replayed_to_a_client_of_another_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, received, enough = free_port(), [], threading.Event()
    write_run(tmp_path / "run.h5", [counts_of(number) for number in range(5)], geometry=Geometry())
    for name, value in serving(port).items():
        monkeypatch.setenv(name, value)

    def take(value: Any) -> None:
        if not isinstance(value, Exception) and value.value is not None:
            received.append(value)
            if len(received) == 5:
                enough.set()

    options = ("--to", "pva://test:image", "--rate", "20", "--compression", "none")
    with (
        Context("pva", conf=asking(port), useenv=False, nt=False) as context,
        context.monitor("test:image", take),
    ):
        said = here("replay", tmp_path / "run.h5", *options)
        assert (said.returncode, "messages    5" in said.stdout) == (0, True)
        assert enough.wait(PATIENCE)
    assert [value.uniqueId for value in received] == list(range(5))
    np.testing.assert_array_equal(received[2].value, counts_of(2).ravel())


def test_what_a_channel_has_not_is_refused(refused_here: Refused, tmp_path: Path) -> None:
    assert refused_here("watch", "pva://x", "--record", tmp_path / "r", "--threshold", "low") == (
        "pva://x: a channel has no messages and no thresholds. Leave out --record, --threshold."
    )
    write_run(tmp_path / "run.h5", [counts_of(0)], geometry=Geometry())
    assert "clients connect" in refused_here("replay", tmp_path / "run.h5", "--to", "pva://x", "--connect")
