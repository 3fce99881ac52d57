"""``fedbragg demo``: from five simulated facilities to a screened run in a few minutes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.federate import report_failure
from fedbragg.cli.show import say
from fedbragg.cli.show_screening import show

if TYPE_CHECKING:
    from fedbragg.workflows.demo import Demonstration


def demo(
    out: Annotated[Path, typer.Option(help="Folder for all files of the demonstration.")] = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same numbers.")] = 1,
) -> int:
    """Train across five simulated facilities, compare, and screen the run of a sixth.

    Simulates the facilities' private runs, trains spotnet with FedKL weights on the hybrid schedule, compares it with
    FedAvg, with each site alone and with all data pooled, and screens a run of an unseen detector. Writes
    OUT/model.onnx, OUT/report.html, OUT/verdicts.csv, OUT/hits.lst, OUT/comparison.json, OUT/federation.toml and
    the simulated runs.
    """
    from fedbragg.extras import require

    require("train", "the demonstration")
    from fedbragg.progress import bars
    from fedbragg.workflows.demo import demonstrate

    start = time.perf_counter()
    with bars() as progress:
        found = demonstrate(out, seed, progress, report_failure)
    _show_comparison(found)
    code = show(found.screened, out, [])
    say(f"took     {time.perf_counter() - start:.0f} s")
    return code


def _show_comparison(found: Demonstration) -> None:
    headlines = found.federated.project.task.headlines
    say(f"{'on ' + found.where:<46} " + "".join(f"{name:<23}" for name in headlines).rstrip())
    for name, metrics in found.comparison.items():
        shown = "".join(f"{metrics[headline]!s:<23}" for headline in headlines)
        say(f"  {name:<44} {shown.rstrip()}")
