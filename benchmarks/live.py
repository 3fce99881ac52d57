"""Measure watching a stream beside screening the same frames from a file: speed, latency, memory, loss at kill -9.

Run by itself for the tables, with --passes and --memory-frames for a shorter look. Sender and watch are processes of
their own, both tied to the same two cores, so the sender's work costs the watch what a detector's would not.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from baselines.ports import free_port
from fedbragg.live.connection import HIGH_WATER
from screening import REPEATED

SIZE = "2167 x 2070"
"""Size of the frames with which latency and loss are measured."""
FRAMES = 40
SENT = 400
"""Frames of one pass over a stream, each of the simulated ones ten times."""
LOAD = 0.8
WARM_UP, PAUSE = 20, 5.0
"""Frames after which the sender of a given rate pauses, and seconds: the first frames load code, and are late."""
QUEUED, IN_ZEROMQ = 16, 2 * HIGH_WATER + 1
"""Frames that a killed watch of two threads had received, and messages that ZeroMQ held at both ends."""
NETWORK = 12 << 20
"""Bytes in the network's buffers: 4 MB of the sender's and 8 of the receiver's, for Linux doubles what is asked for."""
SMALL = (256, 256)
"""Frames of the memory's measurement, so that many can be sent."""


def packed_frames(path: str) -> tuple[Any, list[Any]]:
    """Return a run's description, and its frames packed for messages."""
    from fedbragg.images import open_run
    from fedbragg.live.stream2.encoding import SeriesDescription, array, packer
    from fedbragg.types import Frame

    run = open_run(path)
    frames = [frame for frame in run.frames(0, FRAMES) if isinstance(frame, Frame)]
    pack = packer("bslz4")
    first = frames[0]
    described = SeriesDescription("bench", 1, first.counts.shape, 1 << 40, run.geometry)  # type: ignore[arg-type]
    return described, [array(frame.counts, pack) for frame in frames]


def send(path: str, address: str, frames: int, rate: float, times: str) -> None:
    """Send a run's frames over and over, and write down when each was handed to ZeroMQ."""
    from fedbragg.live.push import Push
    from fedbragg.live.stream2.encoding import end_message, image_message, start_message

    described, packed = packed_frames(path)
    push, sent = Push(address), []
    push.send([start_message(described)], lambda: False)
    due = time.monotonic()
    for number in range(frames):
        message = image_message(described, number, packed[number % len(packed)])
        if rate:
            due = max(due, time.monotonic() + PAUSE) if number == WARM_UP else due + 1 / rate
            time.sleep(max(0.0, due - time.monotonic()))
        sent.append(due if rate else time.monotonic())
        push.send([message], lambda: False)
    push.send([end_message(described)], lambda: False)
    push.close()
    Path(times).write_text(json.dumps(sent), encoding="utf-8")


def watch(address: str, threads: int, *, timed: bool = True) -> dict[str, Any]:
    """Watch one series; return when each verdict came and processor time, if timed, and memory.

    The times of 200,000 verdicts would be most of what the memory grows by.
    """
    from fedbragg.screening.stop_signal import StopSignal
    from fedbragg.tasks import hits
    from fedbragg.workflows.watch import Shown, WatchRequest
    from fedbragg.workflows.watch import watch as run_watch

    model = hits.open_model(hits.default_model())
    came: list[float] = []
    memory: list[float] = []
    used: list[float] = []
    number = count(1)

    def verdict(*_: object) -> None:
        if timed:
            came.append(time.monotonic())
            used.append(time.process_time())
        if next(number) % 1000 == 0:
            memory.append(resident())

    shown = Shown(lambda outcome: None, verdict, lambda *_: None, lambda line: None)
    with tempfile.TemporaryDirectory() as folder, StopSignal() as stop:
        request = WatchRequest(model, model.card.threshold, Path(folder), threads, once=True)
        run_watch(address, request, shown, stop)
    return {"came": came, "cpu": used, "memory": memory, "peak": peak()}


def from_file(path: str, threads: int) -> dict[str, Any]:
    """Screen the same frames from a file; return when each verdict came and processor time."""
    from baselines.screeners import WAYS

    one = WAYS["fedbragg screen"](Path(path), threads)
    one()
    wall, used = time.monotonic(), time.process_time()
    frames = one()
    return {"rate": frames / (time.monotonic() - wall), "cpu": 1e3 * (time.process_time() - used) / frames}


def resident() -> float:
    """Return this process's memory in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def peak() -> float:
    """Return the largest memory of this process so far in MB, without that of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1e3


def sending(path: Path, frames: int, rate: float, times: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start a sender and return it with its address."""
    address = f"tcp://127.0.0.1:{free_port()}"
    order = ["send", str(path), address, str(frames), str(rate), str(times)]
    return subprocess.Popen([sys.executable, __file__, "--one", *order]), address


def streamed(path: Path, frames: int, rate: float, folder: Path, way: str = "watch") -> dict[str, Any]:
    """Send and watch in two processes; return what the watch measured, with the times of sending."""
    times = folder / "sent.json"
    sender, address = sending(path, frames, rate, times)
    found = one_of(way, address, "2")
    if sender.wait():
        raise SystemExit("the sender failed")
    return {**found, "sent": json.loads(times.read_text(encoding="utf-8"))}


def killed_row(path: Path, rate: float, folder: Path) -> list[Any]:
    """Kill a watch by signal 9 in the middle of a series, start it again, and count the images without a verdict."""
    out, times = folder / "killed", folder / "sent.json"
    sender, address = sending(path, SENT, rate, times)
    command = [
        sys.executable,
        "-m",
        "fedbragg",
        "watch",
        address,
        "--out",
        str(out),
        "--threads",
        "2",
        "--once",
    ]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(decided(out)) < SENT // 2:
        time.sleep(0.01)
    first.kill()
    first.wait()
    written = len(decided(out))
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    sender.wait()
    lost = SENT - len(decided(out))
    message = path.stat().st_size / (FRAMES * REPEATED)
    return [SENT, written, lost, QUEUED + IN_ZEROMQ + math.ceil(NETWORK / message)]


def decided(out: Path) -> set[int]:
    """Return the numbers of the images that have a verdict in a table."""
    numbers = set()
    for table in out.glob("*/verdicts.csv"):
        rows = table.read_text(encoding="utf-8").splitlines()[1:]
        numbers |= {int(row.split(",")[1]) for row in rows if row.count(",") > 2}
    return numbers


def one_of(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, "--one", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def speed_of(found: dict[str, Any]) -> tuple[float, float]:
    """Return frames/s and CPU ms a frame, the first quarter left out: the queue fills, and code is loaded."""
    first = len(found["came"]) // 4
    frames = len(found["came"]) - 1 - first
    seconds = found["came"][-1] - found["came"][first]
    return frames / seconds, 1e3 * (found["cpu"][-1] - found["cpu"][first]) / frames


def latencies_of(found: dict[str, Any]) -> list[float]:
    """Return milliseconds from a frame's turn to be sent to its verdict, the first quarter left out."""
    first = len(found["came"]) // 4
    return [1e3 * (came - sent) for came, sent in zip(found["came"], found["sent"], strict=True)][first:]


def rate_rows(path: Path, passes: int, folder: Path) -> list[list[Any]]:
    files = [one_of("file", str(path), "2") for _ in range(passes)]
    live = [speed_of(streamed(path, SENT, 0, folder)) for _ in range(passes)]
    rows: list[list[Any]] = [
        [
            "from a file",
            max(f["rate"] for f in files),
            median(f["rate"] for f in files),
            min(f["cpu"] for f in files),
        ],
        ["from a stream", max(r for r, _ in live), median(r for r, _ in live), min(c for _, c in live)],
    ]
    rows.append(["stream / file", *(rows[1][column] / rows[0][column] for column in (1, 2, 3))])
    return rows


def latency_row(path: Path, full: float, folder: Path) -> list[Any]:
    found = streamed(path, SENT, LOAD * full, folder)
    here = latencies_of(found)
    return [LOAD * full, float(np.median(here)), float(np.percentile(here, 99)), max(here), found["peak"]]


def memory_row(frames: int, folder: Path) -> list[Any]:
    from fedbragg.images import write_run
    from fedbragg.types import Geometry

    rng = np.random.default_rng(1)
    counts = (rng.poisson(1, SMALL).astype(np.uint16) for _ in range(FRAMES))
    write_run(folder / "small.h5", counts, geometry=Geometry())
    memory = streamed(folder / "small.h5", frames, 0, folder, "memory")["memory"]
    return [frames, memory[0], memory[len(memory) // 2], memory[-1]]


def main(passes: int, memory_frames: int) -> None:
    from harness import Table, publish
    from screening import SIZES, write_frames

    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:2]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rates = {}
        for size, shape in SIZES.items():
            path = folder / f"{size}.h5"
            write_frames(path, *shape)
            rates[size] = rate_rows(path, passes, folder)
        path, full = folder / f"{SIZE}.h5", rates[SIZE][1][1]
        latency = latency_row(path, full, folder)
        killed = killed_row(path, LOAD * full, folder)
        memory = memory_row(memory_frames, folder)
    load = f"Processes waiting for this machine's cores at the end (load average, 5 min): {os.getloadavg()[1]:.1f}."
    notes = [
        "Simulated Eiger stills, uint16, bitshuffle-LZ4, half of them hits or maybes; two threads, "
        "packaged model, tables written. Sender and watch share the two cores; CPU is the watch's alone. Wanted: 0.85.",
        load,
    ]
    publish(
        "live",
        [
            Table(
                "How fast is a stream screened?",
                ("size", "way", "frames/s, best", "frames/s, median", "CPU ms a frame, best"),
                [[size, *row] for size, rows in rates.items() for row in rows],
                notes,
            ),
            Table(
                f"How late is a verdict at {100 * LOAD:.0f} % of that speed at {SIZE}?",
                ("frames/s", "median ms", "99th percentile ms", "latest ms", "most memory, MB"),
                [latency],
                [
                    "From a frame's turn to be sent to its verdict. Wanted: median and 99th percentile under 50 ms."
                ],
            ),
            Table(
                "What is lost when the watch is killed by signal 9 and started again?",
                ("images sent", "written before the kill", "without a verdict at the end", "at most"),
                [killed],
                [
                    "At the same load. At most: what the watch's queue, ZeroMQ and the network's buffers can hold. The "
                    "summary names the missing images."
                ],
            ),
            Table(
                f"Does memory grow with the frames ({SMALL[0]} x {SMALL[1]})?",
                ("frames", "MB after 1,000", "MB halfway", "MB at the end"),
                [memory],
            ),
        ],
    )


ONE = {"watch": watch, "memory": partial(watch, timed=False), "file": from_file}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--memory-frames", type=int, default=200_000)
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is None:
        main(given.passes, given.memory_frames)
    elif given.one[0] == "send":
        send(given.one[1], given.one[2], int(given.one[3]), float(given.one[4]), given.one[5])
    else:
        print(json.dumps(ONE[given.one[0]](given.one[1], int(given.one[2]))))
