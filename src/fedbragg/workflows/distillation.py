"""The program with which a server teaches different networks: SETTINGS.json, then orders on standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fedbragg.config import Federation
from fedbragg.errors import ConfigError
from fedbragg.federation.engines.remote.distillation import carry_out
from fedbragg.processes import die_with_parent
from fedbragg.progress import SILENT
from fedbragg.tasks.registry import open_task
from fedbragg.workflows.networks import site_networks

COMMAND = (sys.executable, "-m", "fedbragg.workflows.distillation")


def main(settings: Path) -> None:
    """Make the public examples of a federation's task and teach on them until standard input ends."""
    die_with_parent()
    table = json.loads(settings.read_text(encoding="utf-8"))
    federation = Federation.model_validate(table["settings"])
    networks = site_networks(federation, open_task(federation, None))
    refine = networks.ensemble(federation.seed, SILENT).refine
    if refine is None:
        raise ConfigError("all sites run one network, so there is nothing to teach.")
    carry_out(refine)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
