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

    Simulates the facilities' private runs, trains spotnet with FedKL weights on the hybrid schedule, shows what joining
    was worth to each facility, compares with FedAvg and with all data pooled, and screens a run of an unseen detector.
    Writes OUT/model.onnx, OUT/report.html, OUT/verdicts.csv, OUT/hits.lst, OUT/comparison.json, OUT/federation.toml and
    the simulated runs.
    """
    from fedbragg.extras import require

    require("train", "the demonstration")
    from fedbragg.progress import bars
    from fedbragg.workflows.demo import demonstrate

    start = time.perf_counter()
    with bars() as progress:
        found = demonstrate(out, seed, progress, report_failure)
    _show_worth(found)
    _show_comparison(found)
    code = show(found.screened, out, [])
    say(f"took     {time.perf_counter() - start:.0f} s")
    return code


def _show_worth(found: Demonstration) -> None:
    from fedbragg.report.joining import in_words

    headline = found.federated.project.task.headlines[0]
    say(
        f"what joining is worth: {headline} of each site's own model -> the federation's, on its own detector"
    )
    heads = ("site", "labelled", "own troubles", "others' troubles")
    say("  {:<16} {:>8}   {:<18} {:<18} change".format(*heads))
    for one in found.worth:
        moved = [f"{both.alone.value:.3f} -> {both.together.value:.3f}" for both in (one.own, one.others)]
        say(
            f"  {one.site:<16} {one.labelled:>8}   {moved[0]:<18} {moved[1]:<18} {one.gain.signed} {one.verdict}"
        )
    say(f"  joining is {in_words(found.worth)}")


def _show_comparison(found: Demonstration) -> None:
    headlines = found.federated.project.task.headlines
    say(f"{'on ' + found.where:<46} " + "".join(f"{name:<23}" for name in headlines).rstrip())
    for name, metrics in found.comparison.items():
        shown = "".join(f"{metrics[headline]!s:<23}" for headline in headlines)
        say(f"  {name:<44} {shown.rstrip()}")
