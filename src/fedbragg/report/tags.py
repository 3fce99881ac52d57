"""The page that sorts a run by its tags: filter, order, thumbnails, and a larger picture of each image."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from typing import Any

from fedbragg.report.page import PageSection, page, paragraph
from fedbragg.report.tag_selection import ShownImage
from fedbragg.report.tag_tally import STATES, TagTally
from fedbragg.report.thumbnails import jpeg, unmeasured_share

STYLE, SCRIPT = "tags.css", "tags.js"
SIGNS = ("✓", "?", "✗")
"""Beside the words of STATES, in their order."""
ORDERS = (
    ("time", "in order of time"),
    ("there", "surely there first"),
    ("uncertain", "least certain first"),
    ("absent", "surely not there first"),
)


def tags_page(model: str, tally: TagTally, shown: Sequence[ShownImage]) -> str:
    """Return the whole page on a run tagged with ``model``; ``shown`` are the images that it holds."""
    lead = f"{_images(tally.tagged)} tagged with {model}."
    parts = [*_explanation(tally, len(shown)), _unreadable(tally), _sorter(tally, shown)]
    return page("Tags of a run", lead, [PageSection("Images by tag", parts)], style=STYLE, script=SCRIPT)


def _images(number: int) -> str:
    return f"{number:,} image{'' if number == 1 else 's'}"


def _unreadable(tally: TagTally) -> str:
    """Return the reasons why images have no tags, folded."""
    if not tally.unreadable:
        return ""
    reasons = [paragraph(reason, warn=True) for reason in tally.reasons]
    more = tally.unreadable - len(tally.reasons)
    if more:
        reasons.append(paragraph(f"And {more:,} more, whose rows in the table are empty."))
    title = f"{_images(tally.unreadable)} could not be tagged"
    return f'<details class="unreadable"><summary>{title}</summary>{"".join(reasons)}</details>'


def _explanation(tally: TagTally, shown: int) -> list[str]:
    limits = tally.limits
    text = (
        f"A tag is present from a probability of {limits.present:.2f} on, absent up to {limits.absent:.2f}, and "
        "uncertain between. Press the buttons of a tag to filter by it; several tags are combined. The numbers on the "
        "buttons count the whole run."
    )
    if shown == tally.tagged:
        return [paragraph(text)]
    part = (
        f"This page holds {shown:,} of {tally.tagged:,} images: for each tag those where it is most surely there, most "
        "surely not there and least certain, and others at equal distances along the run. The table holds all."
    )
    return [paragraph(text), paragraph(part, warn=True)]


def _sorter(tally: TagTally, shown: Sequence[ShownImage]) -> str:
    """Return the controls, the places that the script fills, and the data."""
    return (
        '<noscript><p class="warn">This page needs JavaScript, which is off in this browser.</p></noscript>'
        '<div class="sorter"><details class="filters" id="filters" open><summary>Filter by tag</summary>'
        f"{_filters(tally)}</details><div>{_controls(tally)}"
        '<ul id="cards"></ul><button type="button" id="more">Show more</button></div></div>'
        f'{DIALOG}<script type="application/json" id="tags-data">{_data(tally, shown)}</script>'
    )


def _controls(tally: TagTally) -> str:
    orders = "".join(f'<option value="{value}">{escape(text)}</option>' for value, text in ORDERS)
    tags = "".join(
        f'<option value="{i}">{escape(in_words(name))}</option>' for i, name in enumerate(tally.names)
    )
    return (
        f'<div class="controls"><label>Order <select id="order">{orders}</select></label>'
        f'<label>by <select id="by">{tags}</select></label><button type="button" id="reset">Show all</button>'
        '<p id="status" role="status"></p></div>'
        '<p class="legend"><span class="swatch bright"></span> few to many counts, logarithmic, for each image '
        'separately <span class="swatch unmeasured"></span> not measured</p>'
    )


def _filters(tally: TagTally) -> str:
    head = "".join(f"<th>{sign} {state}</th>" for sign, state in zip(SIGNS, STATES, strict=True))
    rows = "".join(
        f'<tr><th scope="row">{escape(in_words(name))}</th>{_buttons(i, name, counts)}</tr>'
        for i, (name, counts) in enumerate(zip(tally.names, tally.counts.tolist(), strict=True))
    )
    return f"<table><thead><tr><th>tag</th>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _buttons(tag: int, name: str, counts: Sequence[int]) -> str:
    """Return a tag's three buttons, each with its state and its number of images."""
    return "".join(
        f'<td><button type="button" aria-pressed="false" data-tag="{tag}" data-state="{place}" '
        f'aria-label="{escape(in_words(name))} {state}: {_images(count)}">{sign} {count:,}</button></td>'
        for place, (state, sign, count) in enumerate(zip(STATES, SIGNS, counts, strict=True))
    )


DIALOG = (
    '<dialog id="large" aria-labelledby="large-name"><div class="inside"><header><h3 id="large-name"></h3>'
    '<button type="button" id="close">Close</button></header><div class="large-body">'
    '<figure><img id="large-picture" alt=""><figcaption id="large-caption"></figcaption></figure>'
    '<table id="bars"><tbody></tbody></table></div>'
    '<div class="address"><label>Path and frame <input id="address" readonly></label>'
    '<button type="button" id="copy">Copy</button><span id="copied" role="status"></span></div>'
    '<footer><button type="button" id="previous">← Previous</button><span id="place"></span>'
    '<button type="button" id="next">Next →</button></footer></div></dialog>'
)
"""The enlarged image; the script fills it."""


def _data(tally: TagTally, shown: Sequence[ShownImage]) -> str:
    """Return the data as JSON; without a "<" no text in it can end the element that holds it."""
    data = {
        "tags": [in_words(name) for name in tally.names],
        "states": STATES,
        "signs": SIGNS,
        "threshold": tally.limits.threshold,
        "present": tally.limits.present,
        "absent": tally.limits.absent,
        "total": tally.images,
        "images": [_entry(image) for image in shown],
    }
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _entry(image: ShownImage) -> dict[str, Any]:
    return {
        "position": image.position,
        "path": image.path,
        "frame": image.index,
        "probabilities": image.probabilities.tolist(),
        "unmeasured": round(unmeasured_share(image.picture), 3),
        "jpeg": base64.b64encode(jpeg(image.picture)).decode("ascii"),
    }


def in_words(name: str) -> str:
    """Return a tag's name as words."""
    return name.replace("_", " ")
