"""The program that makes a federation's start model: SETTINGS.json MODEL.safetensors."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fedbragg.config import Federation
from fedbragg.federation.tensors import encode_tensors
from fedbragg.progress import SILENT
from fedbragg.tasks.registry import open_task
from fedbragg.workflows.networks import site_networks

COMMAND = (sys.executable, "-m", "fedbragg.workflows.start_model")


def main(settings: Path, out: Path) -> None:
    """Make the start model of a federation's task."""
    table = json.loads(settings.read_text(encoding="utf-8"))
    federation = Federation.model_validate(table["settings"])
    networks = site_networks(federation, open_task(federation, None))
    model = networks.start_model(federation.seed, SILENT)
    out.write_bytes(encode_tensors(model))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
