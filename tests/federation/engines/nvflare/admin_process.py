"""An account's client in a process of its own, controlled by lines of JSON: KIT TIMEOUT.

FLARE leaves sockets and threads behind; the process that tests must have none of them. FEDBRAGG_TEST_PROTOCOL makes the
account one of another version of the protocol.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from fedbragg.config import Federation
from fedbragg.errors import FederationError
from fedbragg.federation.engines.nvflare.admin_client import AdminClient
from fedbragg.federation.engines.remote import protocol
from fedbragg.federation.tensors import encode_tensors


def carry_out(client: AdminClient, order: dict[str, Any]) -> Any:
    match order:
        case {"start": settings, "restart": restart}:
            return client.start(Federation.model_validate(settings), restart=restart)
        case {"status": since}:
            return client.status(since)
        case {"stop": _}:
            return client.stop()
        case {"model": _}:
            return encode_tensors(client.model()).hex()
    raise ValueError(order)


def main(kit: Path, timeout: float) -> None:
    with AdminClient(kit, timeout) as client:
        for line in sys.stdin:
            try:
                answer = {"answer": carry_out(client, json.loads(line))}
            except FederationError as error:
                answer = {"error": str(error)}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    protocol.PROTOCOL = int(os.environ.get("FEDBRAGG_TEST_PROTOCOL", protocol.PROTOCOL))
    main(Path(sys.argv[1]), float(sys.argv[2]))
