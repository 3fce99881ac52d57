"""Compare all aggregation rules on the demonstration's five facilities, by ``fedbragg bench``.

    nice .venv/bin/python benchmarks/rules.py [--seeds 5] [--processes 2] [--folder rules]

It resumes: frames and finished (arm, seed) results are kept in the folder.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fedbragg.progress import bars
from fedbragg.report.bench import rows, summarise
from fedbragg.workflows.bench import Bench, BenchRequest, bench
from fedbragg.workflows.bench_report import note_of, write_bench
from fedbragg.workflows.facilities import RUN, SITES, settings_text, write_facility
from harness import Table, publish

ARMS = (
    *(
        "local-only",
        "fedavg",
        "fedavg_uniform",
        "fedkl",
        "feddisco",
        "fedlc",
        "fedavg_prior",
        "fednova",
        "fedawa",
    ),
    *("scaffold", "feddyn", "pooled"),
)
SEED = 2000
PUBLIC = {"public_frames = 480": "public_frames = 120", "public_epochs = 60": "public_epochs = 30"}
"""A start model from fewer public frames than the demonstration's, so that something is left to learn."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("rules"))
    options = parser.parse_args()
    settings = federation(options.folder)
    with bars() as progress:
        request = BenchRequest(settings, ARMS, options.folder / "bench", options.seeds, options.processes)
        found = bench(request, progress)
    write_bench(request.out, found)
    publish("rules", [table(found)])


def federation(folder: Path) -> Path:
    """Simulate the facilities that the folder lacks, and return the settings file."""
    for number, site in enumerate(SITES):
        place = folder / "sites" / site.name
        if not (place / RUN).exists():
            write_facility(site, place, SEED + number, lambda text=None: None)
    text = settings_text(1).replace('schedule = "hybrid"', 'schedule = "sync"')
    for old, new in PUBLIC.items():
        text = text.replace(old, new)
    path = folder / "federation.toml"
    path.write_text(text, encoding="utf-8")
    return path


def table(found: Bench) -> Table:
    """Return the arms with their metrics, over the first arm and over seeds."""
    task = found.project.task
    arms = summarise(found.results, task.headlines[0])
    columns, cells = rows(arms, (*task.headlines, "accuracy", "recall"))
    frames = ", ".join(f"{site.name} {site.frames}" for site in SITES)
    notes = [
        note_of(found),
        f"Labelled frames: {frames}; shares of hits from 4 to 55 %, artefacts that differ. 6 barriers, 15 and then 5 "
        "epochs, Adam; 120 public frames make the start model. Every rule's own settings at their defaults.",
    ]
    return Table("Aggregation rules on five simulated facilities", columns, cells, notes)


if __name__ == "__main__":
    main()
