"""Measure a federation of real sites on loopback: round trip of an update, and memory, beside a bare TLS socket.

    .venv/bin/python benchmarks/engine.py

A server and one site run as real ones do, over TLS; the site's trainer returns at once. On the async schedule a round
trip is the time between two updates: model encoded, sent, written for the worker, a training forked, update encoded,
sent, checked, and the model stepped. A second site that never joins prevents barriers, and with them checkpoints. The
bare socket sends the same bytes to another process and back, with the same certificates.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.ports import free_port
from harness import Table, publish

ROUNDS = {"empty": 30, "spotnet": 30, "DenseNet121": 12, "VGG19": 4}
PATIENCE = 400.0
SITE = "alpha"


def shapes_of(name: str) -> dict[str, tuple[int, ...]]:
    """Return a network's tensors."""
    if name == "empty":
        return {"nothing": (1,)}
    if name == "VGG19":
        return vgg19()
    if name == "spotnet":
        from fedbragg.tasks.hits.network import SpotNet

        return {key: tuple(tensor.shape) for key, tensor in SpotNet().state_dict().items()}
    from monai.networks.nets import DenseNet121

    network = DenseNet121(spatial_dims=2, in_channels=1, out_channels=2)
    return {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}


def vgg19() -> dict[str, tuple[int, ...]]:
    """Return VGG19 with one channel in and two classes out (Simonyan and Zisserman 2015, table 1, E)."""
    widths = [64] * 2 + [128] * 2 + [256] * 4 + [512] * 8
    layers: list[tuple[int, ...]] = [(w, i, 3, 3) for w, i in zip(widths, [1, *widths], strict=False)]
    layers += [(4096, 512 * 7 * 7), (4096, 4096), (2, 4096)]
    weights = {f"{number}.weight": shape for number, shape in enumerate(layers)}
    return weights | {f"{number}.bias": shape[:1] for number, shape in enumerate(layers)}


def tensors_of(name: str) -> dict[str, NDArray[np.float32]]:
    generator = np.random.default_rng(1)
    return {key: generator.standard_normal(shape, dtype=np.float32) for key, shape in shapes_of(name).items()}


# The processes


def work() -> None:
    """Train by returning the model as the update, which costs nothing."""
    from fedbragg.federation.engines.remote.worker import LoadedSite, main
    from fedbragg.federation.engines.remote.worker_messages import Load
    from fedbragg.types import State, Update

    class Idle:
        name, speed, samples = SITE, 1.0, 10

        def train(self, model: State, version: int, epochs: int) -> Update:
            return Update(SITE, version, model, 10, ((5, 5),), 0.5)

    def load_site(order: Load) -> LoadedSite:
        return LoadedSite(order.federation(), Idle(), lambda _, out: "")

    main(load_site)


def start_model(out: Path, network: str) -> None:
    from fedbragg.federation.tensors import encode_tensors

    out.write_bytes(encode_tensors(tensors_of(network)))


def echo(kit: Path, port: int) -> None:
    """Return all received bytes, a whole block at a time, over TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=kit / "startup" / "rootCA.pem")
    context.load_cert_chain(kit / "startup" / "server.crt", kit / "startup" / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", port)) as listener:
        print("ready", flush=True)
        plain = listener.accept()[0]
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(plain, server_side=True) as link:
            while head := link.recv(8):
                block = memoryview(bytearray(int.from_bytes(head, "little")))
                receive(link, block)
                link.sendall(block)


def receive(link: ssl.SSLSocket, block: memoryview) -> None:
    had = 0
    while had < len(block):
        had += link.recv_into(block[had:])


# The measurement


@contextmanager
def process(*arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, __file__, *map(str, arguments)]
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=nowhere, start_new_session=True)
    try:
        yield running
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def provisioned(folder: Path) -> Any:
    from fedbragg.config import Federation
    from fedbragg.federation.engines.nvflare.kits import provision

    settings = Federation.model_validate(
        {
            "federation": {"schedule": "async", "barriers": 1, "deadline": 10_000.0, "staleness": "constant"},
            "server": {
                "address": f"localhost:{free_port()}",
                "message_timeout": 300.0,
                "site_timeout": 300.0,
            },
            "sites": [{"name": SITE}, {"name": "never"}],
        }
    )
    provision(settings, folder / "kits")
    (folder / "own.toml").write_text('runs = ["none"]\nlabels = "none"\n')
    return settings


def measured(network: str, folder: Path) -> dict[str, Any]:
    """Return seconds of the round trips, peak memory of the three processes, and the socket's seconds."""
    from fedbragg.federation.engines.nvflare.admin_client import AdminClient

    settings, kits = provisioned(folder), folder / "kits"
    with (
        process("serve", kits / "server", network) as server,
        process("join", kits / SITE, folder / "own.toml") as site,
        AdminClient(kits / "coordinator", 60.0) as account,
    ):
        account.start(settings, restart=True)
        times = arrivals(account, ROUNDS[network] + 2)
        size = account.status()["sites"][0]["received"] // len(times)
        peak = {
            "server": peak_of(server.pid),
            "client": peak_of(site.pid),
            "worker": peak_of(child_of(site.pid)),
        }
    trips = np.diff(times)[1:]  # the first has the caches cold
    return {
        "bytes": size,
        "median": median(trips),
        "worst": max(trips),
        "socket": socket_seconds(kits, size),
        **peak,
    }


def arrivals(account: Any, count: int) -> list[float]:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        history = account.status().get("history", [])
        times = [line["time"] for line in history if line["event"] == "update"]
        if len(times) >= count:
            return times
        time.sleep(1.0)
    raise TimeoutError(f"{len(times)} updates of {count} within {PATIENCE} s")


def socket_seconds(kits: Path, size: int) -> float:
    """Return the median seconds in which ``size`` bytes go to another process and back over TLS."""
    port, startup = free_port(), kits / SITE / "startup"
    context = ssl.create_default_context(cafile=startup / "rootCA.pem")
    context.load_cert_chain(startup / "client.crt", startup / "client.key")
    block = memoryview(bytearray(size))
    seconds = []
    with process("echo", kits / "server", port) as running:
        if running.stdout is not None:
            running.stdout.readline()  # it listens
        plain = socket.create_connection(("127.0.0.1", port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(plain, server_hostname="localhost") as link:
            for _ in range(5):
                start = time.perf_counter()
                link.sendall(
                    size.to_bytes(8, "little") + block if size < 1 << 20 else size.to_bytes(8, "little")
                )
                if size >= 1 << 20:
                    link.sendall(block)
                receive(link, block)
                seconds.append(time.perf_counter() - start)
    return median(seconds)


def peak_of(pid: int) -> float:
    """Return a process's peak memory in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def child_of(pid: int) -> int:
    children = (Path(task) / "children" for task in Path(f"/proc/{pid}/task").iterdir())
    return int(next(text for path in children if (text := path.read_text())).split()[0])


def main() -> None:
    rows = []
    for network in ROUNDS:
        with tempfile.TemporaryDirectory() as folder:
            result = measured(network, Path(folder))
        rows.append(
            [network, result["bytes"] / 1e6, result["median"], result["worst"], result["socket"]]
            + [result[name] for name in ("server", "client", "worker")]
        )
        print(json.dumps(rows[-1]), flush=True)
    columns = ["network", "MB each way", "round trip, s", "worst, s", "bare TLS socket, s"]
    columns += ["server, MB", "site's client, MB", "site's worker, MB"]
    notes = [
        "Memory is the peak of each process; the worker's is without a site's data and without its trainer's fork.",
        "Wanted: at most 0.5 s for the empty update, at most 3 s for DenseNet121 (8 M parameters).",
    ]
    question = "How long does one update take between the server and a site, on loopback with TLS?"
    publish("engine", [Table(question, columns, rows, notes)])


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            main()
        case ["serve", kit, network]:
            from fedbragg.federation.engines.nvflare.launch import serve

            serve(Path(kit), [sys.executable, __file__, "start", network])
        case ["join", kit, own]:
            from fedbragg.federation.engines.nvflare.launch import join

            join(Path(kit), Path(own), [sys.executable, __file__, "work"])
        case ["start", network, _, out]:
            start_model(Path(out), network)
        case ["work"]:
            work()
        case ["echo", kit, port]:
            echo(Path(kit), int(port))
