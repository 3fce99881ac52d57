"""The sections of a report about a federation."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from pages import loads_nothing, parsed

from fedbragg.metrics.classification import Confusion
from fedbragg.metrics.estimate import Estimate
from fedbragg.report.federation import (
    SiteRow,
    comparison_section,
    confusion_section,
    history_section,
    sites_section,
)
from fedbragg.report.figures import hit_rate_over_run, score_histogram
from fedbragg.report.page import PageSection, page
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.hits.task import HitsTask
from fedbragg.tasks.phases.settings import PhasesSettings
from fedbragg.tasks.phases.task import open_phases


def quality(value: float) -> dict[str, Estimate]:
    names = ("accuracy", "balanced accuracy", "precision", "recall", "F1", "AUC")
    return {name: Estimate(value, value - 0.05, value + 0.02) for name in names}


SITES = [
    SiteRow("i24", 40, ((30, 10),), 0.25, quality(0.8)),
    SiteRow("i03", 80, ((80, 0),), None, quality(0.9)),
]
HISTORY = [
    {"event": "start", "time": 0.0, "evaluation": {"i24": 0.61, "i03": 0.52}},
    {"event": "update", "time": 3.0, "site": "i24", "loss": 0.7},
    {"event": "update", "time": 4.0, "site": "i03", "loss": 0.6},
    {"event": "barrier", "time": 5.0, "evaluation": {"i24": 0.81, "i03": 0.92}},
]


def test_the_whole_page_loads_nothing_from_outside() -> None:
    sections = [
        history_section(HISTORY, "balanced accuracy"),
        sites_section(SITES, HitsTask(HitsSettings(), PrepareSettings())),
        comparison_section(
            {"FedKL": quality(0.9), "FedAvg": quality(0.85)}, "400 frames", "balanced accuracy"
        ),
        confusion_section(Confusion(31, 2, 7, 160), "the unseen run"),
        PageSection(
            "Figures",
            [score_histogram(np.array([1, 0, 7]), 0.5), hit_rate_over_run([(10, 0.5), (20, 0.3)])],
        ),
    ]
    text = page("Report", "lead", sections)
    assert loads_nothing(text)
    assert text.count("<svg") == 6
    words = " ".join(parsed(text).words)
    for shown in ("i24", "10 (25%)", "0.250", "–", "0.900 [0.850, 0.920]", "400 frames", "the unseen run"):
        assert shown in words
    ids = re.findall(r'\bid="([^"]+)"', text)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
    assert used <= set(ids)


def test_labels_and_units_are_those_of_the_task() -> None:
    """The table of labels has one column a question, named after its answer."""
    rows = [SiteRow("a", 20, ((12, 8), (20, 0), (5, 5)), 0.5, quality(0.8))]
    words = " ".join(parsed(page("", "", [sites_section(rows, open_phases(PhasesSettings()))])).words)
    for shown in ("patterns trained on", "bastnaesite", "calcite", "rhenium", "8 (40%)", "0 (0%)", "5 (25%)"):
        assert shown in words
    assert "maybe" not in words


def test_different_networks_have_a_column_and_one_has_none() -> None:
    rows = [replace(row, network=name) for row, name in zip(SITES, ("spotnet", "kindnet"), strict=True)]
    task = HitsTask(HitsSettings(), PrepareSettings())
    shown, plain = (parsed(page("", "", [sites_section(each, task)])).words for each in (rows, SITES))
    assert {"network", "spotnet", "kindnet"} <= set(" ".join(shown).split())
    assert "network" not in " ".join(plain).split()
