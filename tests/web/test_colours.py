"""The colours of every page, by the formula of WCAG 2.2: text 4.5 : 1, controls and marks 3 : 1."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

REVIEW = files("fedbragg.review").joinpath("web")
SHEETS = {
    "shared": files("fedbragg.web").joinpath("web", "shared.css"),
    "review": REVIEW.joinpath("review.css"),
    "status": REVIEW.joinpath("status.css"),
    "live": files("fedbragg.live.page").joinpath("web", "live.css"),
}
STYLES = {
    name: re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL) for name, sheet in SHEETS.items()
}
NAMED = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", "".join(STYLES.values())))
RULES = [
    (selector.strip(), dict(part.split(":", 1) for part in body.split(";") if ":" in part))
    for styles in STYLES.values()
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", styles)
]
NO_TEXT = {".masked", ".saturated", "#grid", "#loupe", ".none", ".scale"}
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


def test_no_page_gives_a_shared_name_another_colour() -> None:
    shared = re.findall(r"--([\w-]+):", STYLES["shared"])
    others = [
        name for sheet in ("review", "status", "live") for name in re.findall(r"--([\w-]+):", STYLES[sheet])
    ]
    assert len(shared) > 8
    assert set(shared) & set(others) == set()


def test_every_text_and_ground_of_the_style_sheets_has_contrast() -> None:
    pairs = text_pairs()
    assert len(pairs) > 40
    assert [(pair, round(contrast(*pair[1:]), 2)) for pair in pairs if contrast(*pair[1:]) < 4.5] == []


def test_controls_focus_and_marks_have_contrast() -> None:
    overlay = re.findall(r'const \w+ = "(#[0-9a-f]{6})"', REVIEW.joinpath("overlay.js").read_text())
    grid = re.findall(r'"(#[0-9a-f]{6})"', REVIEW.joinpath("grid_map.js").read_text().split("LEGIBLE")[0])
    controls = [colour for _, rule in RULES for colour in colours(rule, "border-color")]
    marks = ["var(--edge)", "var(--blue)", *overlay, *grid, *controls]
    assert "1px solid var(--edge)" in STYLES["shared"]
    assert "3px solid var(--blue)" in STYLES["shared"]
    assert len(marks) > 1 + 1 + 3 + 3
    assert [
        (mark, contrast(mark, "var(--paper)")) for mark in marks if contrast(mark, "var(--paper)") < 3
    ] == []
