"""Find the cluster: at HOST:PORT, on this machine, or still to be started."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

from fedbragg.errors import ClusterError, ConfigError

AUTO, LOCAL = "auto", "local"
VARIABLE = "RAY_ADDRESS"
"""Environment variable with the cluster's address."""
ADDRESS = re.compile(r"([\w.-]+):(\d{1,5})|\[([\da-fA-F:]+)\]:(\d{1,5})")
TIMEOUT = 5.0
"""Seconds within which the cluster must accept a connection, and answer."""
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
"""How a client begins HTTP/2 (RFC 9113, section 3.4), which gRPC and so Ray speaks: a preface and empty settings."""
SETTINGS = 4
"""The type of the first frame of an answer; it is byte 3 of its head of 9."""


def check_address(address: str) -> None:
    """Raise ConfigError where an address is neither ``auto`` nor ``local`` nor HOST:PORT."""
    if address not in (AUTO, LOCAL) and not ADDRESS.fullmatch(address):
        raise ConfigError(
            f"--ray {address}: give auto, local, or HOST:PORT of the cluster's head, as `ray start --head` prints it. "
            "This machine must be one of its nodes."
        )


def find_cluster(address: str) -> str:
    """Return HOST:PORT of the cluster to use, or ``local`` where one is to be started.

    ``auto`` is the cluster that RAY_ADDRESS names, else the one that `ray start` started on this machine, else
    ``local``. Raises ClusterError where no cluster answers at an address that somebody gave.
    """
    named = os.environ.get(VARIABLE, "")
    if address == AUTO and named not in ("", AUTO):
        check_address(named)
        address = named
    if address == AUTO:
        started = _started_here()
        return started if started and _answers(started) else LOCAL
    if address != LOCAL and not _answers(address):
        raise ClusterError(
            f"--ray {address}: no cluster answers there. Start one (`ray start --head`), or give the address that it "
            "printed."
        )
    return address


def folder_of_ray() -> str:
    """Return the folder in which Ray keeps a folder for each cluster; a long path would be too long for its sockets."""
    return os.environ.get("RAY_TMPDIR", "/tmp")  # Ray's own default


def _started_here() -> str:
    """Return the address that `ray start` recorded; empty if there is none."""
    try:
        return Path(folder_of_ray(), "ray", "ray_current_cluster").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _answers(address: str) -> bool:
    """Return whether a server at HOST:PORT speaks Ray's protocol; Ray itself would wait two minutes for it."""
    found = ADDRESS.fullmatch(address)
    if found is None:
        return False
    host, port = found[1] or found[3], int(found[2] or found[4])
    try:
        with socket.create_connection((host, port), TIMEOUT) as link:
            if os.environ.get("RAY_USE_TLS") == "1":
                return True
            link.sendall(GREETING)
            head = link.recv(9)
            return len(head) > 3 and head[3] == SETTINGS
    except (OSError, OverflowError):
        return False
