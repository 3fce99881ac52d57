"""Make a federation's start model in a process of its own: SETTINGS.json MODEL."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fedbragg.config import Federation
from fedbragg.federation.engines.remote.protocol import Message, packed_message
from fedbragg.federation.training import start_model


def main(settings: Path, out: Path) -> None:
    """Train the start model on public simulated frames and write it as it travels."""
    told = json.loads(settings.read_text(encoding="utf-8"))
    model = start_model(Federation.model_validate(told["settings"]))
    out.write_bytes(packed_message(Message({}, model)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
