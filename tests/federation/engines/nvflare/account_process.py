"""An account in a process of its own, told by lines of JSON: KIT PATIENCE.

FLARE leaves sockets and threads behind; the tests' own process shall have none of them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fedbragg.config import Federation
from fedbragg.errors import FederationError
from fedbragg.federation.engines.nvflare.admin_client import AdminClient
from fedbragg.federation.engines.remote.protocol import Message, encode_message


def done(account: AdminClient, order: dict[str, Any]) -> Any:
    match order:
        case {"start": settings, "anew": anew}:
            return account.start(Federation.model_validate(settings), anew=anew)
        case {"status": since}:
            return account.status(since)
        case {"stop": _}:
            return account.stop()
        case {"model": _}:
            return encode_message(Message({}, account.model())).hex()
    raise ValueError(order)


def main(kit: Path, patience: float) -> None:
    with AdminClient(kit, patience) as account:
        for line in sys.stdin:
            try:
                answer = {"answer": done(account, json.loads(line))}
            except FederationError as error:
                answer = {"error": str(error)}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
