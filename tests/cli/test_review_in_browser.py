"""The page that labels frames, served by the command and used in a real browser with keyboard and mouse."""

from __future__ import annotations

import csv
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, Tab, browser, until
from commands import done

from fedbragg.images import open_run
from fedbragg.screening.resolution import inverse_spacings
from fedbragg.screening.summary.grid import Grid
from fedbragg.tasks import hits
from fedbragg.types import Frame

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}"),
]

FRAMES = 5
UNREADABLE = FRAMES
"""Position of the frame between those of the two other files."""
TOTAL = 2 * FRAMES + 1
READY = (
    "document.documentElement.dataset.ready && document.getElementById('name').textContent.includes(' of ')"
)


TAKE_ALL_BACK = """
(async () => { while ((await (await fetch("undo", { method: "POST" })).json()).name); })()
"""


@dataclass(frozen=True)
class Served:
    """A running ``fedbragg review``."""

    process: subprocess.Popen[str]
    address: str
    table: Path

    def labels(self) -> dict[tuple[str, int], str]:
        """Return the table as it is on the disk."""
        if not self.table.exists():
            return {}
        with self.table.open(newline="") as file:
            return {(Path(row["path"]).name, int(row["frame"])): row["label"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "run"
    done("simulate", "pilatus2m", "--frames", str(FRAMES), "--size", "384", "--seed", "11", "--out", folder)
    (folder / "labels.csv").unlink()
    shutil.copy(folder / "pilatus2m.h5", folder / "r.h5")
    (folder / "q.cbf").write_bytes(b"###CBF: VERSION 1.5\r\nno picture follows")
    return folder


@contextmanager
def review(data: Path, table: Path, *options: str) -> Iterator[Served]:
    """Run the command until the block ends."""
    command = [sys.executable, "-m", "fedbragg", "review", "r.h5", "--labels", str(table), *options]
    command[4:5] = ["pilatus2m.h5", "q.cbf", "r.h5"]
    process = subprocess.Popen(command, cwd=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("page"):
            break
    else:
        pytest.fail(said)
    try:
        yield Served(process, line.split()[1], table)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def served(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    table = tmp_path_factory.mktemp("labels") / "labels.csv"
    with review(data, table, "--person", "ada", "--grid", f"1x{TOTAL}") as found:
        yield found


@pytest.fixture
def tab(chromium: Tab, served: Served) -> Iterator[Tab]:
    """The page, freshly opened and without a label; the browser must report no fault."""
    visit(chromium, served.address)
    chromium.run(TAKE_ALL_BACK)
    visit(chromium, served.address)
    yield chromium
    assert chromium.complaints == []


def visit(tab: Tab, address: str) -> None:
    tab.open(address, 1300, 900)
    until(tab, READY)


def text(tab: Tab, name: str) -> str:
    found: str = tab.run(f"document.getElementById('{name}').textContent")
    return found


def press(tab: Tab, key: str, shown: str) -> None:
    """Press a key and wait until the frame's name ends so."""
    tab.press(key)
    until(tab, f"document.getElementById('name').textContent.includes({shown!r})")


def at(position: int) -> str:
    return f"{position + 1} of {TOTAL}"


def test_a_key_labels_the_frame_and_the_next_one_shows(tab: Tab, served: Served) -> None:
    for position, key in enumerate("hmx"):
        assert at(position) in text(tab, "name")
        assert text(tab, "score").startswith("Shown after your label")
        press(tab, key, at(position + 1))
    assert served.labels() == {
        ("pilatus2m.h5", 0): "hit", ("pilatus2m.h5", 1): "maybe", ("pilatus2m.h5", 2): "miss"
    }  # fmt: skip
    assert text(tab, "tally") == "1 hit · 1 maybe · 1 miss"
    assert text(tab, "mine") == "No label yet"


def test_the_score_its_reason_and_the_spots_show_after_the_label(tab: Tab, data: Path) -> None:
    frame = open_run(data / "pilatus2m.h5")[0]
    verdict = hits.open_model(hits.default_model())(frame)
    press(tab, "h", at(1))
    assert f"the model's score is {verdict.score:.2f}" in text(tab, "last")
    press(tab, "ArrowLeft", at(0))
    until(tab, "document.getElementById('score').textContent.includes('threshold')")
    assert text(tab, "score").startswith(f"{verdict.score:.3f} ")
    assert f"Spots: {len(verdict.spots)} of " in text(tab, "score")
    assert tab.run("document.querySelectorAll('#peaks tbody tr').length") > 0
    assert tab.run("document.querySelector('[data-label=hit]').getAttribute('aria-pressed')") == "true"


def test_u_takes_back_and_shows_the_frame_again(tab: Tab, served: Served) -> None:
    press(tab, "h", at(1))
    press(tab, "x", at(2))
    press(tab, "u", at(1))
    assert served.labels() == {("pilatus2m.h5", 0): "hit"}
    press(tab, "u", at(0))
    assert served.labels() == {}
    assert text(tab, "mine") == "No label yet"


def test_arrows_only_move_and_an_unreadable_frame_is_said_and_skipped(tab: Tab, served: Served) -> None:
    for position in range(1, FRAMES):
        press(tab, "ArrowRight", at(position))
    press(tab, "ArrowRight", at(UNREADABLE + 1))
    assert "q.cbf" in text(tab, "problem")
    assert "skipped" in text(tab, "problem")
    assert text(tab, "name").startswith("run/r.h5 ")
    press(tab, "ArrowLeft", at(FRAMES - 1))
    assert served.labels() == {}


def test_n_sums_neighbours_and_says_which(tab: Tab, data: Path) -> None:
    """The counts under the cursor are the sum of the frames' own, before and after the key."""
    frames = [open_run(data / "pilatus2m.h5")[i] for i in range(4)]
    press(tab, "ArrowRight", at(1))
    tab.run("together.value = 4; together.dispatchEvent(new Event('change'))")
    until(tab, "document.getElementById('sum-note').textContent.startsWith('Sum of frames 1–4.')")
    tab.send("Input.dispatchMouseEvent", type="mouseMoved", x=400, y=300)
    until(tab, "document.getElementById('at-counts').textContent !== '–'")
    time.sleep(0.4)
    row, col = int(text(tab, "at-row")), int(text(tab, "at-col"))
    assert not frames[0].mask[row, col]
    assert text(tab, "at-counts") == str(sum(int(frame.counts[row, col]) for frame in frames))
    tab.press("n")
    until(tab, "document.getElementById('sum-note').textContent === ''")
    until(tab, f"document.getElementById('at-counts').textContent === '{frames[1].counts[row, col]}'")


def test_p_plays_until_a_key_or_the_end(tab: Tab) -> None:
    tab.press("p")
    until(tab, f"document.getElementById('name').textContent.includes('{at(2)}')")
    tab.press("r")
    until(tab, "document.getElementById('play').getAttribute('aria-pressed') === 'false'")
    time.sleep(0.3)
    stopped = text(tab, "name")
    time.sleep(0.5)
    assert text(tab, "name") == stopped
    tab.press("p")
    until(tab, f"document.getElementById('name').textContent.includes('{at(TOTAL - 1)}')")
    until(tab, "document.getElementById('play').getAttribute('aria-pressed') === 'false'")


def test_the_grid_map_shows_the_frame_that_is_clicked(tab: Tab) -> None:
    until(tab, "document.getElementById('grid').clientHeight > 0")
    tab.click("#grid")  # its middle
    until(
        tab, f"document.getElementById('name').textContent.includes('{at(TOTAL // 2 + 1)}')"
    )  # the middle is unreadable
    tab.run("document.getElementById('grid').focus()")
    press(tab, "ArrowRight", at(TOTAL // 2 + 2))
    tab.run(
        "const go = document.getElementById('go-to'); go.value = 2; go.dispatchEvent(new Event('change'))"
    )
    until(tab, f"document.getElementById('name').textContent.includes('{at(1)}')")
    assert text(tab, "grid-note").startswith("Row 1, column 2: no label")
    places = tab.run(
        "import('./grid_map.js').then(({ GridMap }) => { const map = Object.create(GridMap.prototype);"
        " Object.assign(map, { rows: 3, cols: 4, snake: true });"
        " return [...Array(12).keys()].map((i) => [map.pointOf(i), map.frameAt(...map.pointOf(i))]); })"
    )
    assert places == [[list(Grid(3, 4, snake=True).point(i)), i] for i in range(12)]


def test_labelling_skips_the_unreadable_frame_and_ends_after_the_last(tab: Tab, served: Served) -> None:
    for position in range(TOTAL):
        if position == UNREADABLE:
            continue
        until(tab, f"document.getElementById('name').textContent.includes('{at(position)}')")
        tab.press("x")
    until(
        tab,
        "document.getElementById('last').textContent.includes('No frame of this order is without a label')",
    )
    assert set(served.labels().values()) == {"miss"}
    assert len(served.labels()) == TOTAL - 1


@pytest.mark.parametrize(
    ("key", "expression"),
    [
        ("s", "document.getElementById('show-spots').checked"),
        ("r", "document.getElementById('show-rings').checked"),
        ("i", "document.getElementById('show-ice').checked"),
        ("a", "document.getElementById('automatic').checked"),
        ("l", "document.getElementById('scale').value"),
        ("[", "document.getElementById('high').value"),
        ("]", "document.getElementById('high').value"),
        ("+", "document.getElementById('zoom-now').textContent"),
    ],
)
def test_each_key_does_what_the_page_says(tab: Tab, key: str, expression: str) -> None:
    before = tab.run(expression)
    tab.press(key)
    until(tab, f"({expression}) !== {str(before).lower() if isinstance(before, bool) else repr(before)}")


def test_zoom_and_pan_keys_move_the_view_and_0_fits_it_again(tab: Tab) -> None:
    picture = "document.getElementById('picture').toDataURL().length + document.getElementById('zoom-now').textContent"
    fitted = tab.run("document.getElementById('zoom-now').textContent")
    tab.press("+", 6)
    time.sleep(0.5)
    zoomed = tab.run(picture)
    for key in "wdzq":
        before = tab.run("document.getElementById('picture').toDataURL()")
        tab.press(key)
        time.sleep(0.15)
        assert tab.run("document.getElementById('picture').toDataURL()") != before
    tab.press("-")
    time.sleep(0.1)
    assert tab.run(picture) != zoomed
    tab.press("0")
    time.sleep(0.1)
    assert tab.run("document.getElementById('zoom-now').textContent") == fitted


def test_the_counts_and_the_resolution_under_the_cursor_are_the_files(tab: Tab, data: Path) -> None:
    opened = open_run(data / "pilatus2m.h5")
    frame = opened[0]
    assert isinstance(frame, Frame)
    for place in ((300, 200), (512, 431), (700, 666)):
        tab.send("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
        until(tab, "document.getElementById('at-counts').textContent !== '–'")
        time.sleep(0.4)
        row, col = int(text(tab, "at-row")), int(text(tab, "at-col"))
        said = text(tab, "at-counts")
        if frame.mask[row, col]:
            assert "masked" in said
        else:
            assert said == str(frame.counts[row, col])
        inverse = inverse_spacings(np.array([[row], [col]]), opened.geometry)
        assert inverse is not None
        assert float(text(tab, "at-resolution").removesuffix(" Å")) == pytest.approx(
            1 / inverse[0], rel=0.006
        )


def test_what_is_painted_is_the_files_counts(tab: Tab, data: Path) -> None:
    """Twelve times enlarged and linear, each detector pixel is a square whose grey follows from its count."""
    frame = open_run(data / "pilatus2m.h5")[0]
    tab.run(
        "for (const [id, value] of [['scale', 'linear'], ['low', '0'], ['high', '50']]) {"
        " const field = document.getElementById(id); field.value = value; field.dispatchEvent(new Event('change')); }"
    )
    tab.press("+", 5)
    tab.send("Input.dispatchMouseEvent", type="mouseMoved", x=400, y=400)
    time.sleep(0.8)
    grey = tab.run(
        "(() => { const box = document.getElementById('picture').getBoundingClientRect();"
        "return document.getElementById('picture').getContext('2d')"
        ".getImageData(400 - box.left, 400 - box.top, 1, 1).data[0]; })()"
    )
    row, col = int(text(tab, "at-row")), int(text(tab, "at-col"))
    if not frame.mask[row, col]:
        assert grey == pytest.approx(255 * (1 - min(1, frame.counts[row, col] / 50)), abs=1)


def test_uncertain_frames_come_nearest_to_the_threshold_first(tab: Tab, data: Path) -> None:
    predictor = hits.open_model(hits.default_model())
    opened = open_run([data / "pilatus2m.h5", data / "q.cbf", data / "r.h5"])
    distance = {i: abs((predictor(opened[i]).score or 0) - 0.5) for i in range(TOTAL) if i != UNREADABLE}
    choose = "order.value = 'uncertain'; order.dispatchEvent(new Event('change'))"
    tab.run(choose)
    until(tab, "document.getElementById('order-note').textContent.startsWith('Nearest')")
    time.sleep(0.2)
    tab.run(choose)
    nearest = min(distance, key=lambda position: (distance[position], position))
    until(tab, f"document.getElementById('name').textContent.includes('{at(nearest)}')")


def test_two_tabs_lose_no_label(tab: Tab, served: Served) -> None:
    with browser() as other:
        visit(other, served.address)
        press(tab, "h", at(1))  # frame 0 in the first
        press(other, "x", at(1))  # the same frame, once more, in the second
        press(other, "m", at(2))
        press(tab, "x", at(2))  # frame 1 again: the latest label counts
        assert served.labels() == {("pilatus2m.h5", 0): "miss", ("pilatus2m.h5", 1): "miss"}
        other.run("dispatchEvent(new Event('focus'))")
        until(other, "document.getElementById('tally').textContent === '0 hit · 0 maybe · 2 miss'")
        press(other, "u", at(1))  # what was labelled last, wherever
        assert served.labels()["pilatus2m.h5", 1] == "maybe"
        assert other.complaints == []


def test_the_keyboard_alone_reaches_everything(tab: Tab) -> None:
    wanted = set(
        tab.run(
            "[...document.querySelectorAll('button, select, input, summary, #viewer, #grid')]"
            ".filter((e) => e.offsetParent && !e.disabled)"
            ".map((e) => e.id || e.dataset.label || e.tagName)"
        )
    )
    reached = set()
    for _ in range(len(wanted) + 5):
        tab.press("Tab")
        reached.add(
            tab.run("(({ id, dataset, tagName }) => id || dataset.label || tagName)(document.activeElement)")
        )
    assert wanted <= reached
    tab.run("document.querySelector('[data-label=maybe]').focus()")
    tab.press("Enter")
    until(tab, f"document.getElementById('name').textContent.includes('{at(1)}')")
    assert text(tab, "tally") == "0 hit · 1 maybe · 0 miss"


CONTRASTS = """
(() => {
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const found = channels(getComputedStyle(e).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll("body *")].filter((e) => e.offsetParent &&
    ([...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()) || e.matches("input, select")));
  return texts.map((e) => {
    const [a, b] = [luminance(channels(getComputedStyle(e).color)), luminance(ground(e))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), e.id || e.textContent.trim().slice(0, 30)];
  });
})()
"""


def test_every_text_has_the_contrast_of_wcag_aa(tab: Tab) -> None:
    """At least 4.5 : 1 between the colours that the style sheet gives text and ground, in every state."""
    tab.run(
        "document.querySelector('details').open = true;"
        "for (const id of ['problem', 'unreadable']) {"
        " document.getElementById(id).hidden = false; document.getElementById(id).textContent = 'Said.'; }"
        "for (const [s, l] of [['notices-section', 'notices'], ['people-section', 'people']]) {"
        " document.getElementById(s).hidden = false;"
        " const line = document.createElement('li'); line.textContent = 'Said.';"
        " document.getElementById(l).replaceChildren(line); }"
    )
    for label in ("hit", "maybe", "miss"):
        tab.run(f"document.querySelector('[data-label={label}]').setAttribute('aria-pressed', 'true')")
    found = tab.run(CONTRASTS)
    assert len(found) > 40
    assert [entry for entry in found if entry[0] < 4.5] == []


@pytest.mark.parametrize("width", [1300, 420])
def test_it_fits_the_window(tab: Tab, served: Served, width: int) -> None:
    tab.open(served.address, width)
    until(tab, READY)
    assert tab.run("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_after_kill_9_every_label_that_was_taken_is_there(chromium: Tab, data: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    with review(data, table) as first:
        visit(chromium, first.address)
        press(chromium, "h", at(1))
        press(chromium, "m", at(2))
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        chromium.press("x")
        until(chromium, "!document.getElementById('problem').hidden")
        assert "does not answer. Nothing was labelled" in text(chromium, "problem")
        assert at(2) in text(chromium, "name")
    chromium.complaints.clear()  # the browser's own line about the lost connection
    with (table.with_suffix(".jsonl")).open("a") as journal:
        journal.write('{"path": "pilatus2m.h5", "fra')
    with review(data, table) as again:
        visit(chromium, again.address)
        assert at(2) in text(chromium, "name")  # the first without a label
        assert "last line is cut off" in text(chromium, "notices")
        press(chromium, "x", at(3))
        assert set(again.labels().values()) == {"hit", "maybe", "miss"}
        assert chromium.complaints == []
        chromium.open("about:blank")  # a page that still fetches frames would complain of the server's end
    chromium.complaints.clear()


def test_a_label_that_cannot_be_written_stays_out_and_is_said(
    chromium: Tab, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "labels.csv").write_text("path,frame,label\ngone.h5,3,hit\n")
    with review(data, folder / "labels.csv") as served:
        visit(chromium, served.address)
        assert "gone.h5: has labels, but there is no such file" in text(chromium, "notices")
        shutil.move(folder, tmp_path / "away")
        folder.write_text("a file where the folder was")
        chromium.press("h")
        until(chromium, "!document.getElementById('problem').hidden")
        assert text(chromium, "problem").startswith("The label was not taken: ")
        assert at(0) in text(chromium, "name")
        assert text(chromium, "mine") == "No label yet"
        folder.unlink()
        shutil.move(tmp_path / "away", folder)
        press(chromium, "h", at(1))
        assert text(chromium, "problem") == ""
        taken = {("gone.h5", 3): "hit", ("pilatus2m.h5", 0): "hit"}
        assert served.labels() == taken
        size = served.table.with_suffix(".jsonl").stat().st_size
        soft, hard = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (size + 20, hard))  # as a full disk
        chromium.press("m")
        until(chromium, "document.getElementById('problem').textContent.includes('File too large')")
        assert at(1) in text(chromium, "name")
        assert served.labels() == taken
        assert served.table.with_suffix(".jsonl").stat().st_size == size
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (soft, hard))
        press(chromium, "m", at(2))
        assert text(chromium, "problem") == ""
        assert served.labels() == taken | {("pilatus2m.h5", 1): "maybe"}
        assert [line for line in chromium.complaints if "507" not in line] == []
        chromium.open("about:blank")
    chromium.complaints.clear()
