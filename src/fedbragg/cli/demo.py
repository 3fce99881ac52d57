"""``fedbragg demo``: the whole way, from five simulated facilities to a screened run, in a few minutes."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fedbragg.cli import federate as federation
from fedbragg.cli.facilities import LABELS, RUN, SITES, UNSEEN, settings_text, test_of, write_facility
from fedbragg.cli.folder import make_folder
from fedbragg.cli.options import number_of_threads
from fedbragg.cli.screened import Screening, begin, screen_run, tell
from fedbragg.cli.show import Bar, bars, say

if TYPE_CHECKING:
    from fedbragg.config import Federation
    from fedbragg.federation.training import SiteFrames
    from fedbragg.metrics.classification import Estimate
    from fedbragg.report.page import Section
    from fedbragg.tasks.hits.learner import HitData
    from fedbragg.types import State

TEST_FRAMES = 80
"""Frames of each facility on which the models are compared; simulated apart, with the troubles of all."""
LEAD = (
    "Five simulated facilities trained one model without sharing a frame: {way} It is compared with other ways to "
    "train, and screens the run of a sixth facility, whose detector none of them has."
)
Quality = Mapping[str, "Estimate"]


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything the demonstration makes.")] = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same numbers.")] = 1,
) -> int:
    """Train across five simulated facilities, compare, and screen a run nobody has seen.

    Simulates the facilities' private runs, trains spotnet with FedKL weights on the hybrid schedule, compares it with
    FedAvg, with each site alone and with all data pooled, and screens the run of a sixth facility. Writes
    OUT/model.onnx, OUT/report.html, OUT/verdicts.csv, OUT/hits.lst, OUT/comparison.json, OUT/federation.toml and
    the simulated runs.
    """
    from fedbragg.config import load

    start = time.perf_counter()
    make_folder(out)
    (out / "federation.toml").write_text(settings_text(seed), encoding="utf-8")
    plan = load(out / "federation.toml")
    simulate_facilities(out, seed)
    sites = federation.read_sites(plan, out)
    tests = read_tests(plan, out)
    public = federation.start_model(plan)
    outcome = federation.run_federation(plan, sites, public, None, "FedKL, hybrid")
    federation.write_results(out, plan, outcome)
    models = {"public simulation only": public, f"federation ({plan.federation.aggregation})": outcome.model}
    compared = compare(models | train_others(plan, sites, public), tests)
    tell_comparison(compared, tests)
    write_comparison(out / "comparison.json", compared)
    sections = [*_comparison_sections(compared, tests), *federation.federation_sections(sites, outcome)]
    code = screen_unseen(out, sections, LEAD.format(way=federation.lead(plan)))
    say(f"took     {time.perf_counter() - start:.0f} s")
    return code


def simulate_facilities(out: Path, seed: int) -> None:
    """Write every facility's run, its test run, and the unseen run, each from a seed of its own."""
    runs = [(site, out / "sites" / site.name) for site in SITES]
    runs += [(test_of(site, TEST_FRAMES), out / "tests" / site.name) for site in SITES]
    runs += [(UNSEEN, out / UNSEEN.name)]
    with bars() as place:
        bar = Bar(place, "Simulating six facilities", sum(facility.frames for facility, _ in runs))
        for number, (facility, folder) in enumerate(runs):
            write_facility(facility, folder, 1000 * (seed + 1) + number, bar.step)


def read_tests(plan: Federation, out: Path) -> dict[str, HitData]:
    """Read the test run of every facility."""
    from fedbragg.federation.training import prepare_settings
    from fedbragg.images import open_run, read_labels
    from fedbragg.tasks.hits.sources import labelled

    settings = prepare_settings(plan)
    folders = {site.name: out / "tests" / site.name for site in SITES}
    return {
        name: labelled(open_run(folder / RUN), read_labels(folder / LABELS), settings)
        for name, folder in folders.items()
    }


def train_others(plan: Federation, sites: Sequence[SiteFrames], public: State) -> dict[str, State]:
    """Train what the federation is compared with, from the same start and for as many epochs."""
    from fedbragg.federation.training import train_alone, train_pooled

    epochs = plan.training.warmup_epochs + plan.training.epochs * (plan.federation.barriers - 1)
    way = plan.federation.model_copy(update={"aggregation": "fedavg", "schedule": "sync"})
    fedavg = federation.run_federation(
        plan.model_copy(update={"federation": way}), sites, public, None, "FedAvg"
    )
    models = {"FedAvg (sync, by size)": fedavg.model}
    with bars() as place:
        bar = Bar(place, "Each site alone, and all pooled", len(sites) + 1)
        for site in sites:
            models[f"{site.name} alone"] = train_alone(plan, site, public, epochs)
            bar.step()
        models["all data pooled"] = train_pooled(plan, sites, public, epochs)
        bar.step()
    return models


def compare(models: Mapping[str, State], tests: Mapping[str, HitData]) -> dict[str, Quality]:
    """Judge every model on the test frames of all facilities together."""
    from fedbragg.federation.training import judge
    from fedbragg.tasks.hits.learner import join

    everything = join(list(tests.values()))
    return {name: judge(state, everything) for name, state in models.items()}


def tell_comparison(compared: Mapping[str, Quality], tests: Mapping[str, HitData]) -> None:
    """Print the comparison."""
    say(f"{'on ' + _where(tests):<46} {'balanced accuracy':<22} AUC")
    for name, quality in compared.items():
        say(f"  {name:<44} {quality['balanced accuracy']!s:<22} {quality['AUC']!s}")


def write_comparison(path: Path, compared: Mapping[str, Quality]) -> None:
    """Write the comparison as JSON: model, figure, value and interval."""
    rows: dict[str, Any] = {
        name: {figure: [e.value, e.low, e.high] for figure, e in quality.items()}
        for name, quality in compared.items()
    }
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def screen_unseen(out: Path, before: Sequence[Section], lead: str) -> int:
    """Screen the unseen run with the model file just written, and finish the report with it."""
    from fedbragg.report import screening
    from fedbragg.report.page import page
    from fedbragg.screening.outputs.requested import Outputs
    from fedbragg.tasks.hits.model_file import Scorer

    scorer = Scorer(out / federation.MODEL)
    plan = Screening(scorer, scorer.card.threshold, out, number_of_threads(0), Outputs())
    run, session = begin([str(out / UNSEEN.name / RUN)], plan, resume=False)
    outcome = screen_run(run, plan, session)
    sections = [_confusion(out, plan.threshold), *screening.sections(outcome, run, scorer)]
    text = page("fedbragg demonstration", lead, [*before, *sections])
    (out / federation.REPORT).write_text(text, encoding="utf-8")
    return tell(outcome, out, [])


def _confusion(out: Path, threshold: float) -> Section:
    import numpy as np

    from fedbragg.images import read_labels
    from fedbragg.metrics.classification import confusion
    from fedbragg.report.federation import confusion_section
    from fedbragg.screening.outputs.tables import verdicts_in

    scores = [1.0 if verdict.score is None else verdict.score for verdict in verdicts_in(out)]
    table = read_labels(out / UNSEEN.name / LABELS)
    labels = [table.label(out / UNSEEN.name / RUN, index) for index in range(len(scores))]
    positive = np.array([label is not None and label.positive for label in labels], dtype=bool)
    where = f"the unseen run, {len(scores)} frames of a detector that no site has"
    return confusion_section(confusion(positive, np.array(scores) >= threshold), where)


def _comparison_sections(compared: Mapping[str, Quality], tests: Mapping[str, HitData]) -> list[Section]:
    from fedbragg.report.federation import comparison_section

    return [comparison_section(compared, _where(tests))]


def _where(tests: Mapping[str, HitData]) -> str:
    return f"{sum(map(len, tests.values()))} fresh frames of all {len(tests)} sites"
