"""A federation of real sites, as the command line starts it, follows it and shows its state."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedbragg.cli.show import interrupted, say
from fedbragg.errors import FederationError
from fedbragg.extras import require

if TYPE_CHECKING:
    from rich.table import Table

    from fedbragg.config import Federation
    from fedbragg.federation import FederationOutcome
    from fedbragg.federation.engines.nvflare.admin_client import AdminClient

INTERVAL = 0.5
"""Seconds between two questions to the server."""
Status = Mapping[str, Any]
"""The state of a federation, as FederationService.status returns it."""
Show = Callable[[Status], None]


def require_flare() -> None:
    """Raise MissingExtraError where the part for real sites is not installed."""
    require("federate", "a federation of real sites")


@contextmanager
def admin_client(kit: Path, timeout: float) -> Iterator[AdminClient]:
    """Open a client with an account's kit, and log out at the end."""
    require_flare()
    from fedbragg.federation.engines.nvflare.admin_client import AdminClient

    logging.getLogger().addHandler(logging.NullHandler())  # FLARE's lines on a lost server; we print our own
    client = AdminClient(kit, timeout, say)
    try:
        yield client
    except KeyboardInterrupt:
        client.close()
        os._exit(interrupted())  # FLARE's threads would go on calling a server that is away
    finally:
        client.close()


def run_real_sites(settings: Federation, kit: Path, *, resume: bool) -> FederationOutcome:
    """Start a federation at the server, or with ``resume`` connect to the running one, and follow it to its end."""
    from fedbragg.federation import FederationOutcome

    with admin_client(kit, settings.server.server_timeout) as client, status_display() as show:
        client.start(settings, restart=not resume)
        last = follow(client, show)
        return FederationOutcome(client.model(), last["history"], last["barrier"], last["ended"])


def follow(client: AdminClient, show: Show) -> dict[str, Any]:
    """Show a federation until it has ended; return its last status, with the whole history."""
    history: list[dict[str, Any]] = []
    while True:
        status = client.status(len(history))
        if status["state"] in ("none", "failed"):
            raise FederationError(
                status["problem"]
                or "the server holds no federation; it was stopped before its first barrier."
            )
        known = len(history)
        if status.get("lines", known) < known:  # the server was restarted and resumes from its last barrier
            say(f"the server was restarted; the federation resumes from barrier {status['barrier']}")
            history = []
            continue
        history += status.get("history", [])
        show({**status, "history": history})
        if status["state"] == "finished":
            return {**status, "history": history}
        time.sleep(INTERVAL)


@contextmanager
def status_display() -> Iterator[Show]:
    """Yield a function that shows a status: a live table on a terminal, else a line for each event."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _EventPrinter().show
        return
    with Live(console=console, refresh_per_second=4) as live:
        yield lambda status: live.update(status_table(status))


class _EventPrinter:
    """Print the events that are new since the last status."""

    def __init__(self) -> None:
        self._printed = 0

    def show(self, status: Status) -> None:
        """Print a line for each new event that matters."""
        history = status["history"]
        update_bytes = bytes_by_barrier(history)
        for event in history[min(self._printed, len(history)) :]:
            if text := event_line(event, update_bytes):
                say(text)
                sys.stdout.flush()
        self._printed = len(history)


def event_line(event: Mapping[str, Any], update_bytes: Mapping[int, int]) -> str:
    """Return one event as a line, empty where it is not shown; ``update_bytes`` comes from bytes_by_barrier."""
    match event["event"]:
        case "joined":
            return f"{event['site']}: joined"
        case "barrier":
            size = size_text(update_bytes.get(event["barrier"], 0))
            sites = ", ".join(event.get("losses") or event.get("sites", ()))
            spent = f"; epsilon {event['epsilon']:.3g} so far" if "epsilon" in event else ""
            return f"barrier {event['barrier']}: loss {event['loss']:.3f} from {sites}; updates {size}{spent}"
        case "refused":
            return f"a sum was refused: {event['reason']}"
        case "withdrawn":
            return f"model withdrawn, because most sites refused it: {', '.join(event['sites'])}"
        case "failed" | "rejected" | "vetoed" | "left" | "abandoned":
            return f"{event['site']}: {event['event']}: {event['reason']}"
    return ""


def bytes_by_barrier(history: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Return the bytes of all updates before each barrier, by the barrier's number from 1."""
    total, barrier = {1: 0}, 1
    for event in history:
        if event["event"] == "update":
            total[barrier] += event["bytes"]
        elif event["event"] == "barrier":
            barrier = event["barrier"] + 1
            total[barrier] = 0
    return total


Row = Mapping[str, Any]
"""One site of a status."""
CELLS: Mapping[str, Callable[[Row], str]] = {
    "site": lambda row: str(row["site"]),
    "network": lambda row: str(row["network"]),
    "doing": lambda row: str(row["doing"]),
    "last message": lambda row: "never" if row["silent"] is None else f"{row['silent']:.0f} s ago",
    "version": lambda row: _or_dash(row["version"]),
    "loss": lambda row: "-" if row["loss"] is None else f"{row['loss']:.3f}",
    "samples": lambda row: _or_dash(row["samples"]),
    "sent": lambda row: size_text(row["sent"]),
    "received": lambda row: size_text(row["received"]),
}
"""The columns of the table, and the value of each for a site."""
WORDS = ("site", "network", "doing")
"""Columns that hold words; the others hold numbers."""


def status_table(status: Status) -> Table:
    """Return the state of a federation as a table: one row for each site, and their last problems below."""
    from rich import box
    from rich.table import Table

    sites = status.get("sites", [])
    problems = [f"{row['site']}: {row['problem']}" for row in sites if row["problem"]]
    table = Table(
        title=headline(status),
        caption="\n".join(problems),
        title_justify="left",
        caption_justify="left",
        show_header=bool(sites),
        box=box.SIMPLE,
    )
    networks = status.get("networks", {})
    shown = [name for name in CELLS if name != "network" or len(set(networks.values())) > 1]
    for name in shown:
        table.add_column(name, justify="left" if name in WORDS else "right", no_wrap=True)
    for row in sites:
        named = {**row, "network": networks.get(row["site"], "-")}
        table.add_row(*(CELLS[name](named) for name in shown))
    return table


def headline(status: Status) -> str:
    """Return the state of a federation in one line."""
    if status["state"] == "none":
        return "no federation has been started"
    start = f"{status['federation']}: {status['state']}"
    if status["state"] in ("failed", "preparing"):
        return f"{start}{': ' + status['problem'] if status['problem'] else ''}"
    barriers = f"barrier {status['barrier']} of {status['barriers']}"
    ended = f", ended: {status['ended']}" if status["ended"] else ""
    return f"{start}, {barriers}, version {status['version']}, {status['time']:.0f} s{ended}"


def size_text(count: int) -> str:
    """Return a number of bytes in the unit that suits it."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}"


def _or_dash(value: Any) -> str:
    return "-" if value is None else str(value)
