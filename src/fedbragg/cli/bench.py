"""``fedbragg bench``: compare ways to train on one federation, over several seeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fedbragg.cli.show import say, warn

if TYPE_CHECKING:
    from fedbragg.report.bench import ArmSummary
    from fedbragg.workflows.bench import Bench


def bench(
    settings: Annotated[Path, typer.Argument(metavar="FEDERATION.TOML", help="Settings of the federation.")],
    arms: Annotated[
        str,
        typer.Option(
            help="Rules, by commas; RULE:SCHEDULE sets a schedule, local-only and pooled are arms too."
        ),
    ] = "local-only,fedavg,fedkl,pooled",
    seeds: Annotated[int, typer.Option(min=1, help="Seeds, from the settings' seed on.")] = 5,
    processes: Annotated[int, typer.Option(min=1, help="Trainings at a time, one core each.")] = 2,
    out: Annotated[Path, typer.Option(help="Folder for the results; those that it holds are kept.")] = Path(
        "bench"
    ),
) -> int:
    """Compare aggregation rules, each site alone and all data pooled, over several seeds.

    Every arm starts from the same model, trains the same number of epochs and is tested on each site's held-out
    examples. Writes OUT/bench.json, OUT/table.md, OUT/curves.svg and OUT/report.html. Run it again with more arms or
    seeds, or after an interruption: finished results are kept.
    """
    from fedbragg.progress import bars
    from fedbragg.workflows.bench import BenchRequest
    from fedbragg.workflows.bench import bench as compare
    from fedbragg.workflows.bench_report import write_bench

    request = BenchRequest(settings, tuple(arms.split(",")), out, seeds, processes)
    with bars() as progress:
        found = compare(request, progress)
    _warn(found)
    _show(found, write_bench(out, found))
    say(f"written  {out / 'bench.json'}, {out / 'table.md'}, {out / 'curves.svg'}, {out / 'report.html'}")
    return 0


def _warn(found: Bench) -> None:
    """Print for each result whether a site's training did not count, with the first reason."""
    for result in found.results:
        if problems := result["problems"]:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            warn(f"warning: {result['name']}, seed {result['seed']}: {problems[0]}{more}")


def _show(found: Bench, arms: list[ArmSummary]) -> None:
    from fedbragg.report.bench import rows, shown_metrics

    heads, cells = rows(arms, shown_metrics(arms, found.project.task.headlines))
    widths = [max(len(row[k]) for row in [heads, *cells]) for k in range(len(heads))]
    for row in [heads, *cells]:
        say("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
