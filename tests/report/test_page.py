"""The page: self-contained, and safe with any name."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
from pages import loads_nothing, parsed

from fedbragg.metrics.classification import Confusion, Estimate
from fedbragg.report.federation import (
    SiteRow,
    comparison_section,
    confusion_section,
    history_section,
    sites_section,
)
from fedbragg.report.figures import (
    bars,
    confusion_matrix,
    curves,
    heat_map,
    hit_rate_over_run,
    score_histogram,
)
from fedbragg.report.page import Section, drawing, facts, gallery, page, paragraph, table
from fedbragg.tasks.hits.prepare import PrepareSettings
from fedbragg.tasks.hits.settings import HitsSettings
from fedbragg.tasks.hits.task import HitsTask
from fedbragg.tasks.phases.settings import PhasesSettings
from fedbragg.tasks.phases.task import open_phases

NASTY = '<script>alert("1")</script>&amp;\'".cbf'


def test_a_name_that_is_no_text_can_be_written() -> None:
    assert "gr?n.cbf" in page("title", "gr\udcfcn.cbf", []).encode("utf-8").decode("utf-8")


def test_any_name_is_shown_as_it_is_and_never_obeyed() -> None:
    parts = [
        paragraph(NASTY),
        paragraph(NASTY, warn=True),
        facts([(NASTY, NASTY)]),
        table((NASTY,), [(NASTY,)]),
        drawing("<svg></svg>", NASTY),
        gallery([(b"jpeg", NASTY)]),
    ]
    text = page(NASTY, NASTY, [Section(NASTY, parts)])
    found = parsed(text)
    assert "script" not in found.tags
    assert "".join(found.words).count(NASTY) == 12
    assert 'alt="&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#x27;&quot;.cbf"' in text


def test_a_figure_shows_any_name_as_text() -> None:
    for svg in (curves({NASTY: [(0, 1), (1, 2)]}, "x", "y"), bars({NASTY: (0.5, 0.4, 0.6)}, "x")):
        assert "script" not in parsed(svg).tags


def test_a_picture_lies_in_the_page() -> None:
    text = gallery([(b"\xff\xd8 bytes", "one"), (b"two", "two")])
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)
    assert [base64.b64decode(data) for data in found] == [b"\xff\xd8 bytes", b"two"]


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
        Section(
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


def test_a_report_speaks_of_its_own_task() -> None:
    """The table of labels has one column a question, named after the task's own answers."""
    rows = [SiteRow("a", 20, ((12, 8), (20, 0), (5, 5)), 0.5, quality(0.8))]
    words = " ".join(parsed(page("", "", [sites_section(rows, open_phases(PhasesSettings()))])).words)
    for shown in ("patterns trained on", "bastnaesite", "calcite", "rhenium", "8 (40%)", "0 (0%)", "5 (25%)"):
        assert shown in words
    assert "maybe" not in words


def test_the_confusions_numbers_and_shares_appear() -> None:
    """Text is drawn as glyphs; matplotlib leaves each text as a comment beside its glyphs."""
    said = " ".join(re.findall(r"<!--(.*?)-->", confusion_matrix(Confusion(31, 2, 7, 160)), re.S))
    for number in (
        "31",
        "2",
        "7",
        "160",
        "94%",
        "6%",
        "4%",
        "96%",
        "kept",
        "dropped",
        "hit or maybe",
        "miss",
    ):
        assert number in said


def test_the_same_figure_is_the_same_text() -> None:
    series = {"a": [(0.0, 1.0), (1.0, 0.5)], "b": [(0.0, 0.9)]}
    assert curves(series, "x", "y") == curves(series, "x", "y")


@pytest.mark.parametrize("series", [{}, {"a": []}, {"a": [(0.0, float("nan"))]}])
def test_a_figure_without_points_is_drawn(series: dict[str, list[tuple[float, float]]]) -> None:
    assert curves(series, "x", "y").startswith("<svg")


def test_figures_without_values_are_drawn() -> None:
    nan = float("nan")
    assert bars({"a": (nan, nan, nan)}, "x").startswith("<svg")
    assert score_histogram(np.zeros(40, np.int64), 0.5).startswith("<svg")
    assert hit_rate_over_run([]).startswith("<svg")
    assert heat_map(np.full((2, 3), np.nan, np.float32), 0.5).startswith("<svg")
