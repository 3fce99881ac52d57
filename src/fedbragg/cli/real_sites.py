"""A federation of real sites as the command line follows it."""

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

LOOK = 0.5
"""Seconds between two looks at the server."""
Show = Callable[[Mapping[str, Any]], None]


def need_flare() -> None:
    """Raise MissingExtraError where the part for real sites is not installed."""
    require("federate", "a federation of real sites")


@contextmanager
def account(kit: Path, patience: float) -> Iterator[AdminClient]:
    """Log in with an account's kit, and out in the end."""
    need_flare()
    from fedbragg.federation.engines.nvflare.admin_client import AdminClient

    logging.getLogger().addHandler(
        logging.NullHandler()
    )  # what FLARE logs of a lost link, we tell in our words
    opened = AdminClient(kit, patience, say)
    try:
        yield opened
    except KeyboardInterrupt:
        opened.close()
        os._exit(interrupted())  # FLARE's threads would go on calling a server that is away
    finally:
        opened.close()


def run_real(plan: Federation, kit: Path, *, resume: bool) -> FederationOutcome:
    """Start a federation at the server, or find it there, and follow it to its end."""
    from fedbragg.federation import FederationOutcome

    with account(kit, plan.server.server_timeout) as opened, shown() as show:
        opened.start(plan, anew=not resume)
        told = follow(opened, show)
        return FederationOutcome(opened.model(), told["history"], told["barrier"], told["ended"])


def follow(opened: AdminClient, show: Show) -> dict[str, Any]:
    """Show how a federation stands until it is over; return how it ended, with all its history."""
    history: list[dict[str, Any]] = []
    while True:
        told = opened.status(len(history))
        if told["state"] in ("none", "failed"):
            raise FederationError(
                told["trouble"] or "the server holds no federation; it was stopped before its time."
            )
        known = len(history)
        if told.get("lines", known) < known:  # the server was restarted, and goes on from its last barrier
            say(f"the server was restarted; the federation goes on from barrier {told['barrier']}")
            history = []
            continue
        history += told.get("history", [])
        show({**told, "history": history})
        if told["state"] == "finished":
            return {**told, "history": history}
        time.sleep(LOOK)


@contextmanager
def shown() -> Iterator[Show]:
    """Give a way to show how a federation stands: a live table on a terminal, else a line for each event."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines().show
        return
    with Live(console=console, refresh_per_second=4) as live:
        yield lambda told: live.update(standing(told))


class _Lines:
    """Print what is new since the last look."""

    def __init__(self) -> None:
        self._printed = 0

    def show(self, told: Mapping[str, Any]) -> None:
        """Print a line for each new event that matters."""
        history = told["history"]
        cost = cost_of(history)
        for line in history[min(self._printed, len(history)) :]:
            if text := account_of(line, cost):
                say(text)
                sys.stdout.flush()
        self._printed = len(history)


def account_of(line: Mapping[str, Any], cost: Mapping[int, int]) -> str:
    """Tell one event in one line, or nothing; ``cost`` comes from cost_of."""
    match line["event"]:
        case "joined":
            return f"{line['site']}: joined"
        case "barrier":
            size = size_of(cost.get(line["barrier"], 0))
            sites = ", ".join(line["losses"])
            return f"barrier {line['barrier']}: loss {line['loss']:.3f} from {sites}; updates {size}"
        case "failed" | "rejected" | "left" | "abandoned":
            return f"{line['site']}: {line['event']}: {line['reason']}"
    return ""


def cost_of(history: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Return the bytes of all updates on the way to each barrier, by its number from 1."""
    cost, barrier = {1: 0}, 1
    for line in history:
        if line["event"] == "update":
            cost[barrier] += line["bytes"]
        elif line["event"] == "barrier":
            barrier = line["barrier"] + 1
            cost[barrier] = 0
    return cost


HEADS = ("site", "doing", "heard of", "version", "loss", "frames", "sent", "received")


def standing(told: Mapping[str, Any]) -> Table:
    """Lay out how a federation stands: one row a site, and below what went wrong last."""
    from rich import box
    from rich.table import Table

    sites = told.get("sites", [])
    troubles = [f"{row['site']}: {row['trouble']}" for row in sites if row["trouble"]]
    table = Table(
        title=headline(told),
        caption="\n".join(troubles),
        title_justify="left",
        caption_justify="left",
        show_header=bool(sites),
        box=box.SIMPLE,
    )
    for head in HEADS:
        table.add_column(head, justify="left" if head in HEADS[:2] else "right", no_wrap=True)
    for row in sites:
        table.add_row(
            row["site"],
            row["doing"],
            "never" if row["silent"] is None else f"{row['silent']:.0f} s ago",
            _or_dash(row["version"]),
            "-" if row["loss"] is None else f"{row['loss']:.3f}",
            _or_dash(row["samples"]),
            size_of(row["sent"]),
            size_of(row["received"]),
        )
    return table


def headline(told: Mapping[str, Any]) -> str:
    """Say in one line how a federation stands."""
    if told["state"] == "none":
        return "no federation has been started"
    if told["state"] in ("failed", "preparing"):
        return f"{told['federation']}: {told['state']}{': ' + told['trouble'] if told['trouble'] else ''}"
    ended = f", ended: {told['ended']}" if told["ended"] else ""
    barriers = f"barrier {told['barrier']} of {told['barriers']}"
    return f"{told['federation']}: {told['state']}, {barriers}, version {told['version']}, {told['time']:.0f} s{ended}"


def size_of(count: int) -> str:
    """Write bytes in a handy unit."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}"


def _or_dash(value: Any) -> str:
    return "-" if value is None else str(value)
