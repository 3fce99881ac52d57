"""Measure secure aggregation: bytes and seconds of a round beside plain FedKL, on loopback and on the virtual clock.

    .venv/bin/python benchmarks/secure.py

On loopback a server and five sites run as real ones do, over TLS; the sites' trainers return at once, so a round is the
time from one barrier to the next: models out, updates or the four steps of a masked sum back, and the mean. On the
virtual clock 5 to 100 sites with spotnet's number of weights have links of 10 MB/s and 50 ms; training takes no time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from baselines.ports import free_port
from harness import Table, publish

SITES = [f"site{number}" for number in range(5)]
SIZES = {"8 k": (7_900, 12), "1 M": (1_000_000, 8), "8 M": (8_000_000, 6)}
"""Numbers in a model, and rounds that are timed."""
CLIP = 10.0
PATIENCE = 500.0
MANY = (5, 10, 30, 100)
LINK = {"bandwidth": 10e6, "latency": 0.05}


def rules(*, secure: bool, rounds: int) -> dict[str, Any]:
    return {
        "federation": {"schedule": "sync", "barriers": rounds, "deadline": 10_000.0, "clip": CLIP},
        "privacy": {"secure": secure},
    }


# The processes


def work() -> None:
    """Train by returning an update of random numbers, which costs nearly nothing."""
    from fedbragg.federation.engines.remote.worker import LoadedSite, main
    from fedbragg.types import State, Update

    class Idle:
        speed, samples = 1.0, 1000

        def __init__(self, name: str) -> None:
            self.name = name

        def train(self, model: State, version: int, epochs: int) -> Update:
            tensors = {name: tensor * np.float32(1e-3) for name, tensor in model.items()}
            return Update(self.name, version, tensors, 1000, ((400, 600),), 0.5)

    main(lambda order: LoadedSite(order.federation(), Idle(order.site["name"]), lambda _, out: ""))


def start_model(out: Path, size: int) -> None:
    from fedbragg.federation.tensors import encode_tensors

    out.write_bytes(encode_tensors({"w": np.random.default_rng(1).standard_normal(size, dtype=np.float32)}))


@contextmanager
def process(*arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, __file__, *map(str, arguments)]
    running = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield running
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def measured(size: int, rounds: int) -> dict[bool, tuple[float, float, int]]:
    """Return by secure the median and the longest seconds of a round, and the bytes that a site sends in one."""
    from fedbragg.config import Federation
    from fedbragg.federation.engines.nvflare.admin_client import AdminClient
    from fedbragg.federation.engines.nvflare.kits import provision

    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        server = {"address": f"localhost:{free_port()}", "message_timeout": 300.0, "site_timeout": 300.0}
        base = {"server": server, "sites": [{"name": site} for site in SITES]}
        made = {
            secure: Federation.model_validate({**base, **rules(secure=secure, rounds=rounds + 2)})
            for secure in (False, True)
        }
        kits = folder / "kits"
        provision(made[False], kits)
        (folder / "own.toml").write_text('runs = ["none"]\nlabels = "none"\n')
        running.enter_context(process("serve", kits / "server", size))
        for site in SITES:
            running.enter_context(process("join", kits / site, folder / "own.toml"))
        account = running.enter_context(AdminClient(kits / "coordinator", 60.0))
        return {secure: federation(account, settings, rounds) for secure, settings in made.items()}


def federation(account: Any, settings: Any, rounds: int) -> tuple[float, float, int]:
    account.start(settings, restart=True)
    end = time.monotonic() + PATIENCE
    while (status := account.status())["state"] != "finished":
        if status["state"] == "failed" or time.monotonic() > end:
            raise TimeoutError(f"{status}")
        time.sleep(1.0)
    barriers = [line["time"] for line in status["history"] if line["event"] == "barrier"]
    seconds = np.diff(barriers)[1:]  # the first has the caches cold
    received = status["sites"][0]["received"] // len(barriers)
    return median(seconds), max(seconds), received


# Many sites on the virtual clock


@dataclass
class CountingNetwork:
    """A simulated network that counts what its sites exchange in masked sums."""

    network: Any
    counts_seconds: bool = True
    received: int = 0
    sent: int = 0
    incidents: Any = field(default=lambda: ())

    def delivery(self, trainer: Any, command: Any) -> Any:
        """Return the delivery of the simulated network."""
        return self.network.delivery(trainer, command)

    def transfer(self, site: str, received: int, sent: int) -> float:
        """Count the bytes, and return the network's seconds."""
        self.received += received
        self.sent += sent
        return float(self.network.transfer(site, received, sent))


class InstantSite:
    """A site whose training takes no time."""

    speed, samples = 1e12, 1000

    def __init__(self, name: str) -> None:
        self.name = name

    def train(self, model: Any, version: int, epochs: int) -> Any:
        """Return an update of small random numbers."""
        from fedbragg.types import Update

        draw = np.random.default_rng([version, *self.name.encode()])
        tensors = {"w": draw.normal(0, 1e-3, model["w"].size).astype(np.float32)}
        return Update(self.name, version, tensors, 1000, ((400, 600),), 0.5)


def on_the_clock(count: int, *, secure: bool) -> list[Any]:
    """Return virtual seconds of a round, kB a site sends and receives beside the model, and this process's seconds."""
    from fedbragg.config import Federation
    from fedbragg.federation import federate
    from fedbragg.federation.engines.virtual import SimulatedLink, SimulatedNetwork

    names = [f"s{number:03d}" for number in range(count)]
    site = {"name": "any", "runs": ["any.h5"], "labels": "any.csv"}
    settings = Federation.model_validate({**rules(secure=secure, rounds=1), "sites": [site]})
    links = {name: SimulatedLink(**LINK) for name in names}
    network = CountingNetwork(SimulatedNetwork(links, settings.federation, seed=1, secure=secure))
    start = time.process_time()
    size = SIZES["8 k"][0]
    outcome = federate(
        settings, [InstantSite(n) for n in names], {"w": np.zeros(size, np.float32)}, network=network
    )
    spent = time.process_time() - start
    [barrier] = [line for line in outcome.history if line["event"] == "barrier"]
    sent = network.sent / count if secure else 4 * size
    return [barrier["time"], sent / 1e3, network.received / count / 1e3, spent]


def main() -> None:
    rows = []
    for label, (size, rounds) in SIZES.items():
        result = measured(size, rounds)
        (plain, slowest, sent), (secure, most, masked) = result[False], result[True]
        rows.append(
            [label, plain, slowest, secure, most, secure / plain, sent / 1e6, masked / 1e6, masked / sent]
        )
        print(json.dumps(rows[-1]), flush=True)
    columns = ["numbers", "plain, s", "longest, s", "secure, s", "longest, s", "ratio"]
    columns += ["plain, MB a site", "secure, MB a site", "ratio of MB"]
    notes = [
        "Five sites, FedKL, one machine for the server and all sites: the sites' masks share its cores.",
        "Seconds are medians of a round; MB is what a site sends in one, all messages of the sum included.",
        "Other work ran on the machine: quote the ratios, not the seconds.",
        "Wanted: at most 2.5 times the seconds at 8 M, and 2.2 times the bytes.",
    ]
    question = "What does secure aggregation cost on loopback, beside plain FedKL?"
    clock = []
    for count in MANY:
        plain_row, secure_row = on_the_clock(count, secure=False), on_the_clock(count, secure=True)
        clock.append([count, plain_row[0], secure_row[0], plain_row[1], secure_row[1], secure_row[2]])
        clock[-1] += [plain_row[3], secure_row[3]]
        print(json.dumps(clock[-1]), flush=True)
    names = ["sites", "plain, s", "secure, s", "plain, kB sent", "secure, kB sent", "secure, kB received"]
    names += ["plain, CPU s", "secure, CPU s"]
    virtual_notes = [
        f"Links of {LINK['bandwidth'] / 1e6:g} MB/s and {1000 * LINK['latency']:g} ms; {SIZES['8 k'][0]} numbers.",
        "Seconds of one round on the virtual clock, without computing; CPU seconds are of all sites and the server.",
        "kB are a site's, beside the model that it gets in both cases.",
    ]
    publish(
        "secure",
        [
            Table(question, columns, rows, notes),
            Table("How does it grow with the number of sites?", names, clock, virtual_notes),
        ],
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            main()
        case ["serve", kit, size]:
            from fedbragg.federation.engines.nvflare.launch import serve

            serve(Path(kit), [sys.executable, __file__, "start", size])
        case ["join", kit, own]:
            from fedbragg.federation.engines.nvflare.launch import join

            join(Path(kit), Path(own), [sys.executable, __file__, "work"])
        case ["start", size, _, out]:
            start_model(Path(out), int(size))
        case ["work"]:
            work()
