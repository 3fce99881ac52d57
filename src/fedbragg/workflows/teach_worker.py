"""The process that adapts a model while people keep labelling: a request on standard input, events on standard output.

It ends when standard input ends, so no process outlives the page's server.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import TextIO

from fedbragg.errors import FedbraggError
from fedbragg.progress import Step

COMMAND = (sys.executable, "-m", "fedbragg.workflows.teach_worker")


class Events:
    """Writes events, one line of JSON each; a Progress."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def stage(self, title: str, total: int | None = None) -> Step:
        """Report that a stage begins, and return the callback that counts its units."""
        done = 0

        def step(text: str | None = None) -> None:
            nonlocal done
            done += 1
            self.say({"stage": text or title, "done": done, "total": total})

        self.say({"stage": title, "done": 0, "total": total})
        return step

    def say(self, event: Mapping[str, object]) -> None:
        """Write one event."""
        print(json.dumps(event), file=self._out, flush=True)


def main() -> None:
    """Carry out the request, and report its result or the error."""
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    events = Events(sys.stdout)
    events.stage("Starting")
    try:
        from fedbragg.workflows.teach import TeachRequest, teach

        found = teach(TeachRequest.from_json(request), events)
    except (FedbraggError, OSError) as error:
        events.say({"problem": str(error)})
        return
    events.say({"result": asdict(found)})


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    main()
