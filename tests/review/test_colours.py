"""The colours of the style sheet and the marks, by the formula of WCAG 2.2: text 4.5 : 1, controls and marks 3 : 1."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

WEB = files("fedbragg.review").joinpath("web")
STYLES = re.sub(r"/\*.*?\*/", "", WEB.joinpath("review.css").read_text(), flags=re.DOTALL)
NAMED = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", STYLES))
RULES = [
    (selector.strip(), dict(part.split(":", 1) for part in body.split(";") if ":" in part))
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", STYLES)
]
NO_TEXT = {".masked", ".saturated", "#grid", "#loupe"}
GROUNDS = ("var(--paper)", "var(--wash)")
"""On which text without a ground of its own stands."""
PRESSED = '[aria-pressed="true"]'


def hexadecimal(colour: str) -> str:
    found = re.fullmatch(r"var\(--([\w-]+)\)", colour)
    return NAMED[found[1]] if found else colour


def luminance(colour: str) -> float:
    """Return the relative luminance of sRGB."""
    channels = [int(hexadecimal(colour)[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colours(rule: dict[str, str], name: str) -> list[str]:
    values = [value.strip() for key, value in rule.items() if key.strip() == name]
    return [value for value in values if re.fullmatch(r"#[0-9a-f]{6}|var\(--[\w-]+\)", value)]


def text_pairs() -> list[tuple[str, str, str]]:
    """Return selector, text and ground of every rule that sets one of them."""
    pairs = []
    for selector, rule in RULES:
        text, ground = colours(rule, "color"), colours(rule, "background")
        if selector in NO_TEXT or (text == ["var(--paper)"] and not ground):
            continue  # the pressed buttons' text; its grounds are the rules below
        own = "var(--paper)" if PRESSED in selector else "var(--ink)"
        for one in text or ([own] if ground else []):
            pairs += [(selector, one, other) for other in ground or GROUNDS]
    return pairs


def test_the_formula_gives_the_known_extremes() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)  # the lightest grey that passes


def test_every_text_and_ground_of_the_style_sheet_has_contrast() -> None:
    pairs = text_pairs()
    assert len(pairs) > 25
    assert [(pair, round(contrast(*pair[1:]), 2)) for pair in pairs if contrast(*pair[1:]) < 4.5] == []


def test_controls_focus_and_marks_have_contrast() -> None:
    borders = re.findall(r"button, select.*?border: 1px solid (#[0-9a-f]{6})", STYLES)
    overlay = re.findall(r'const \w+ = "(#[0-9a-f]{6})"', WEB.joinpath("overlay.js").read_text())
    grid = re.findall(r'"(#[0-9a-f]{6})"', WEB.joinpath("grid_map.js").read_text().split("LEGIBLE")[0])
    marks = [*borders, "var(--focus)", *overlay, *grid]
    assert len(marks) == 1 + 1 + 3 + 3
    assert [
        (mark, contrast(mark, "var(--paper)")) for mark in marks if contrast(mark, "var(--paper)") < 3
    ] == []
