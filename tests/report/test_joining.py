"""The section on what joining was worth, in words and as a page."""

from __future__ import annotations

from pages import loads_nothing

from fedbragg.metrics.estimate import UNKNOWN, Estimate
from fedbragg.report.joining import Compared, Worth, in_words, worth_section
from fedbragg.report.page import page


def worth(site: str, gain: Estimate) -> Worth:
    same = Compared(Estimate(0.9, 0.8, 0.95), Estimate(0.9, 0.8, 0.95))
    return Worth(site, 40, same, Compared(Estimate(0.7, 0.6, 0.8), Estimate(0.95, 0.9, 0.97)), gain)


BETTER, WORSE = worth("i24", Estimate(0.1, 0.02, 0.2)), worth("i03", Estimate(-0.1, -0.2, -0.02))
SAME = worth("i04", Estimate(0.05, -0.01, 0.1))


def test_a_gain_counts_where_its_interval_does_not_hold_zero() -> None:
    assert [one.verdict for one in (BETTER, WORSE, SAME)] == ["better", "worse", "no difference shown"]
    assert worth("x", UNKNOWN).verdict == "no difference shown"


def test_for_whom_joining_pays_is_said_in_a_sentence() -> None:
    assert in_words([BETTER, WORSE, SAME, SAME]) == (
        "better than alone for 1 (i24) of 4 sites, worse for 1 (i03), with no difference shown for 2"
    )
    assert in_words([SAME]) == "better than alone for none of 1 sites, with no difference shown for 1"


def test_the_section_names_every_site_with_its_gain() -> None:
    text = page("Report", "lead", [worth_section([BETTER, WORSE], "balanced accuracy")])
    assert loads_nothing(text)
    assert "+0.100 [+0.020, +0.200]" in text
    assert text.count("<svg") == 1
    assert all(name in text for name in ("i24, the others'", "i03, its own", "better", "worse"))
