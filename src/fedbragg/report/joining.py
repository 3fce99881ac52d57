"""The section on the gain of each site from joining a federation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fedbragg.metrics.estimate import Estimate
from fedbragg.report.figures import arrows
from fedbragg.report.page import PageSection, drawing, paragraph, table


@dataclass(frozen=True, slots=True)
class Compared:
    """A metric of the site's own model and of the federation's, on the same examples."""

    alone: Estimate
    together: Estimate


@dataclass(frozen=True, slots=True)
class Worth:
    """The gain of one site from joining."""

    site: str
    labelled: int  # examples that it trained on
    own: Compared  # on troubles that it has labelled
    others: Compared  # on troubles that it has not
    gain: Estimate  # of the first metric, on both together, with its paired 95 % interval

    @property
    def verdict(self) -> str:
        """Return in a word whether joining changes anything."""
        if self.gain.low > 0:
            return "better"
        return "worse" if self.gain.high < 0 else "no difference shown"


def worth_section(found: Sequence[Worth], headline: str) -> PageSection:
    """Return the section: a figure, in words, and a table."""
    rows = [
        (
            one.site,
            str(one.labelled),
            one.gain.signed,
            one.verdict,
            *(str(part) for both in (one.own, one.others) for part in (both.alone, both.together)),
        )
        for one in found
    ]
    heads = ("gain", "joining is", "own troubles: alone", "joined", "others' troubles: alone", "joined")
    moved = {
        f"{one.site}, {name}": (both.alone.value, both.together.value)
        for one in found
        for name, both in (("its own", one.own), ("the others'", one.others))
    }
    return PageSection(
        "What joining is worth",
        [
            paragraph(
                f"Joining is {in_words(found)}. Each site's own model is compared with the federation's, on new frames "
                "of its own detector: half show troubles that the site has labelled, half those that only other sites "
                "have. Both models start from the same public simulation and train for as many epochs."
            ),
            drawing(arrows(moved, headline), f"{headline}: from the site's own model to the federation's."),
            table(("site", "labelled", *heads), rows),
            paragraph("95 % intervals; that of the gain is paired, over blocks of neighbouring frames."),
        ],
    )


def in_words(found: Sequence[Worth]) -> str:
    """Return in one sentence for how many sites joining is better, worse, or shows no difference."""
    better, worse = ([one.site for one in found if one.verdict == word] for word in ("better", "worse"))
    parts = [f"better than alone for {_some(better)} of {len(found)} sites"]
    parts += [f"worse for {_some(worse)}"] if worse else []
    rest = len(found) - len(better) - len(worse)
    parts += [f"with no difference shown for {rest}"] if rest else []
    return ", ".join(parts)


def _some(names: Sequence[str]) -> str:
    return f"{len(names)} ({', '.join(names)})" if names else "none"
