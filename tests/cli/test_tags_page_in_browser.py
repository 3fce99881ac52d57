"""The page that sorts a run by its tags, used in a real browser with mouse and keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, Tab

from fedbragg.report.tag_selection import TagSelection
from fedbragg.report.tag_tally import TagTally, limits
from fedbragg.report.tags import tags_page
from fedbragg.simulation.scattering.tag_names import TAGS
from fedbragg.tasks.tags.prepare import prepare, view_of
from fedbragg.types import Frame

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
]

IMAGES = 150
TALL = 4
"""Position of an image of 200 x 40 pixels; the others have 90 x 120."""
FRAMES = (
    '[...document.querySelectorAll("#cards li")].map((li) => Number(li.textContent.match(/frame (\\d+)/)[1]))'
)
RING = TAGS.index("ring")
HALO = TAGS.index("halo")
FOLDER = '/data/<b>"a" & b</b>'


def made_probabilities() -> np.ndarray:
    """Rings in every third image, halos in every second; the others at random."""
    known = np.random.default_rng(1).random((IMAGES, len(TAGS)))
    number = np.arange(IMAGES)
    known[:, RING] = np.where(number % 3 == 0, 0.8 + number / 1000, 0.1 + number / 1000)
    known[:, HALO] = np.where(number % 2 == 0, 0.9, 0.5)
    known[7, RING] = 0.499
    return known.round(4)


KNOWN = made_probabilities()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tally, selection = TagTally(TAGS, limits(0.5)), TagSelection(len(TAGS), IMAGES, 0.5)
    row, col = np.mgrid[:90, :120]
    counts = (1000 * np.exp(-(((np.hypot(row - 45, col - 60) - 30) / 4) ** 2)) + 1).astype(np.int32)
    mask = np.zeros(counts.shape, bool)
    mask[:, 55:65] = True
    view = prepare(Frame(counts, mask, "made", 0))
    tall = view_of(Frame(np.full((200, 40), 3, np.int32), np.zeros((200, 40), bool), "made", 0))
    for position, known in enumerate(KNOWN):
        selection.add(position, f"{FOLDER}/run.h5", position, known, tall if position == TALL else view)
        tally.add(known)
    tally.add_unreadable("cut.cbf frame 0: cut short")
    path = tmp_path_factory.mktemp("page") / "tags.html"
    path.write_text(tags_page("model.onnx", tally, selection.images()), encoding="utf-8")
    return path


@pytest.fixture
def tab(chromium: Tab, page: Path) -> Iterator[Tab]:
    """The page, freshly opened; the browser must report no fault."""
    chromium.open(page)
    yield chromium
    assert chromium.complaints == []


def button(tag: int, state: int) -> str:
    return f'[data-tag="{tag}"][data-state="{state}"]'


def all_frames(tab: Tab) -> list[int]:
    """Show all cards and return their frames in the page's order."""
    while not tab.run('document.getElementById("more").hidden'):
        tab.click("#more")
    frames: list[int] = tab.run(FRAMES)
    return frames


def choose(tab: Tab, select: str, value: str) -> None:
    tab.run(
        f'{select}.value = "{value}"; document.getElementById("{select}").dispatchEvent(new Event("change"))'
    )


def test_at_first_all_images_stand_in_order_of_time(tab: Tab) -> None:
    assert len(tab.run(FRAMES)) == 120
    assert tab.run('document.getElementById("more").textContent') == "Show more (30 left)"
    assert all_frames(tab) == list(range(IMAGES))
    assert tab.run("document.images[0].naturalWidth") == 240  # 120 cells, enlarged
    assert tab.run('document.getElementById("status").textContent') == "150 of the 150 images on this page"


def test_every_picture_has_the_same_square(tab: Tab) -> None:
    frame = "(({ width, height }) => [width, height])(element.getBoundingClientRect())"
    sizes = tab.run(f'[...document.querySelectorAll("#cards .frame")].slice(0, 12).map((element) => {frame})')
    np.testing.assert_allclose(sizes, sizes[0][0], atol=1)


def test_a_tag_filters_by_each_state(tab: Tab) -> None:
    ring = KNOWN[:, RING]
    expected = {
        0: np.flatnonzero(ring >= 0.75),
        1: np.flatnonzero((ring > 0.25) & (ring < 0.75)),
        2: np.flatnonzero(ring <= 0.25),
    }
    for state, frames in expected.items():
        tab.click(button(RING, state))
        assert all_frames(tab) == frames.tolist()
        assert tab.run(f"document.querySelector('{button(RING, state)}').ariaPressed") == "true"
        tab.click(button(RING, state))
    assert all_frames(tab) == list(range(IMAGES))


def test_the_numbers_on_the_buttons_are_those_of_the_images(tab: Tab) -> None:
    text = tab.run(f"document.querySelector('{button(RING, 0)}').textContent")
    assert text == f"✓ {int((KNOWN[:, RING] >= 0.75).sum())}"


def test_two_states_of_a_tag_are_joined_and_two_tags_cut(tab: Tab) -> None:
    ring, halo = KNOWN[:, RING], KNOWN[:, HALO]
    tab.click(button(RING, 1))
    tab.click(button(RING, 2))
    assert all_frames(tab) == np.flatnonzero(ring < 0.75).tolist()
    tab.click(button(HALO, 0))
    assert all_frames(tab) == np.flatnonzero((ring < 0.75) & (halo >= 0.75)).tolist()
    assert tab.run('document.querySelector("#filters summary").textContent') == "Filter by tag (2 in use)"
    tab.click("#reset")
    assert all_frames(tab) == list(range(IMAGES))
    assert tab.run("document.querySelectorAll('[aria-pressed=true]').length") == 0


def test_nothing_left_is_said(tab: Tab) -> None:
    tab.click(button(HALO, 2))
    assert tab.run(FRAMES) == []
    assert tab.run('document.getElementById("status").textContent').startswith("No image on this page passes")


@pytest.mark.parametrize(
    ("order", "key"),
    [("there", -KNOWN[:, RING]), ("absent", KNOWN[:, RING]), ("uncertain", np.abs(KNOWN[:, RING] - 0.5))],
)
def test_images_are_ordered_by_probability(tab: Tab, order: str, key: np.ndarray) -> None:
    choose(tab, "by", str(RING))
    choose(tab, "order", order)
    assert all_frames(tab) == np.argsort(key, kind="stable").tolist()
    first = int(np.argmin(key))
    card = tab.run('document.querySelector("#cards li").textContent')
    assert f"ring {KNOWN[first, RING]:.3f}" in card


def test_choosing_a_tag_to_order_by_orders_by_it(tab: Tab) -> None:
    choose(tab, "by", str(RING))
    assert tab.run("order.value") == "there"
    choose(tab, "order", "time")
    assert all_frames(tab) == list(range(IMAGES))


def test_a_click_enlarges_an_image_with_all_its_probabilities(tab: Tab) -> None:
    tab.click("#cards li:nth-child(8) button")
    assert tab.run('document.getElementById("large").open')
    rows = tab.run('[...document.querySelectorAll("#bars tr")].map((row) => row.textContent)')
    words = ["✓ there", "? uncertain", "✗ not there"]
    states = limits(0.5).states(KNOWN[7])
    expected = [
        f"{tag.replace('_', ' ')}{value:.3f}{words[state]}"
        for tag, value, state in zip(TAGS, KNOWN[7], states, strict=True)
    ]
    assert rows == expected
    widths = tab.run(
        '[...document.querySelectorAll("#bars .track div div")].map((bar) => parseFloat(bar.style.width))'
    )
    np.testing.assert_allclose(widths, 100 * KNOWN[7], atol=1e-3)
    assert tab.run('document.getElementById("address").value') == f"{FOLDER}/run.h5:7"
    caption = tab.run('document.getElementById("large-caption").textContent')
    assert caption == "Image 8 of the run's 151. 8.3 % of its area was not measured."
    tab.click("#close")
    assert not tab.run('document.getElementById("large").open')


def test_the_path_can_be_copied(tab: Tab) -> None:
    tab.click("#cards li:nth-child(3) button")
    tab.click("#copy")
    assert tab.run("new Promise((later) => setTimeout(() => later(copied.textContent), 200))") == "Copied"
    assert (
        tab.run("address.value.slice(address.selectionStart, address.selectionEnd)") == f"{FOLDER}/run.h5:2"
    )


def focused(tab: Tab) -> str:
    """Return the text of what has the focus, after the events that wait."""
    text: str = tab.run(
        "new Promise((later) => setTimeout(() => later(document.activeElement.textContent), 100))"
    )
    return text


def test_the_keyboard_alone_is_enough(tab: Tab) -> None:
    """From the top: open the filter, choose rings, walk over the cards, enlarge, go on, come back."""
    for _ in range(200):
        tab.press("Tab")
        if tab.run(f"document.activeElement.matches('{button(RING, 0)}')"):
            break
    tab.press(" ")
    with_ring = np.flatnonzero(KNOWN[:, RING] >= 0.75).tolist()
    assert tab.run(FRAMES) == with_ring
    for _ in range(100):
        tab.press("Tab")
        if tab.run('document.activeElement.closest("#cards") !== null'):
            break
    tab.press("ArrowRight", 3)
    tab.press("ArrowLeft")
    assert "frame 6" in focused(tab)
    columns = tab.run(
        'getComputedStyle(document.getElementById("cards")).gridTemplateColumns.split(" ").length'
    )
    tab.press("ArrowDown")
    assert f"frame {3 * (2 + columns)}" in focused(tab)
    tab.press("ArrowUp")
    tab.press("Enter")
    assert tab.run('document.getElementById("large-name").textContent') == "run.h5 frame 6"
    tab.press("ArrowRight", 2)
    tab.press("ArrowLeft")
    assert tab.run('document.getElementById("place").textContent') == f"4 of {len(with_ring)}"
    tab.press("Escape")
    assert not tab.run('document.getElementById("large").open')
    assert "frame 9" in focused(tab)  # back on the card of the image seen last


def test_going_on_in_the_large_picture_shows_the_cards_that_it_reaches(tab: Tab) -> None:
    tab.click("#cards li:nth-child(120) button")
    tab.press("ArrowRight")
    assert len(tab.run(FRAMES)) == 150
    tab.press("Escape")
    assert "frame 120" in focused(tab)


@pytest.mark.parametrize("width", [1200, 420])
def test_it_fits_the_window(tab: Tab, page: Path, width: int) -> None:
    tab.open(page, width)
    inside = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert tab.run(inside)
    assert tab.run('document.getElementById("filters").open') == (width == 1200)
    tab.run('document.getElementById("filters").open = true')
    assert tab.run(inside)
    tab.click("#cards button")
    box = tab.run(
        "(() => { const b = large.getBoundingClientRect();"
        "return [b.left, b.right, large.scrollWidth - large.clientWidth]; })()"
    )
    assert box[0] >= 0
    assert box[1] <= width
    assert box[2] <= 0


def test_states_are_distinct_without_colour(tab: Tab) -> None:
    """Every button and every bar says its state in a sign or a word."""
    signs = tab.run(
        '[...document.querySelectorAll("#filters tbody button")].map((b) => b.textContent[0]).join("")'
    )
    assert signs == "✓?✗" * len(TAGS)
    pressed = "getComputedStyle(document.querySelector('[data-tag=\"0\"]')).fontWeight"
    before = tab.run(pressed)
    tab.click(button(0, 0))
    assert tab.run(pressed) > before


def test_the_browser_itself_hears_a_fault(chromium: Tab, tmp_path: Path) -> None:
    """A page with a fault, so that the tests above can fail."""
    broken = tmp_path / "broken.html"
    broken.write_text("<!doctype html><script>undefinedName()</script>", encoding="utf-8")
    chromium.open(broken)
    assert any("undefinedName" in text for text in chromium.complaints)
    chromium.complaints.clear()
