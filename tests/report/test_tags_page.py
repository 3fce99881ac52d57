"""The text of the page that sorts a run by its tags; tests/cli/test_tags_page_in_browser.py uses it."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
from pages import parsed
from tagged import flat_view, tallied

from fedbragg.report.tag_selection import TagSelection
from fedbragg.report.tags import SCRIPT, tags_page

NAMES = ("beam_off_image", "ring")


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="tags-data">(.*?)</script>', text, re.S)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_the_page_holds_images_and_counts() -> None:
    known = np.array([[0.9, 0.1], [0.5, 0.8], [0.1234, 0.2]])
    tally, selection = tallied(NAMES, known)
    text = tags_page("model.onnx", tally, selection.images())
    data = data_of(text)
    assert data["tags"] == ["beam off image", "ring"]
    assert [image["probabilities"] for image in data["images"]] == known.tolist()
    assert [image["frame"] for image in data["images"]] == [0, 1, 2]
    assert all(b64decode(image["jpeg"]).startswith(b"\xff\xd8") for image in data["images"])
    labels = re.findall(r'aria-label="([^"]+)"', text)
    assert labels[:3] == [
        "beam off image there: 1 image", "beam off image uncertain: 1 image", "beam off image not there: 1 image"
    ]  # fmt: skip
    assert "3 images tagged with model.onnx." in text


def test_nothing_is_loaded_from_outside() -> None:
    tally, selection = tallied(NAMES, np.full((2, 2), 0.5))
    text = tags_page("model.onnx", tally, selection.images())
    found = parsed(text)
    assert all(address.startswith(("data:", "#")) for address in found.addresses)
    assert not {"link", "iframe", "object", "embed"} & set(found.tags)
    assert "@import" not in text
    assert "url(" not in text
    assert re.findall(r"<script([^>]*)>", text) == [' type="application/json" id="tags-data"', ""]
    program = (Path(__file__).parents[2] / "src" / "fedbragg" / "report" / SCRIPT).read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|insertAdjacentHTML|document\.write|fetch\(|XMLHttpRequest|import\(|eval\(|https?:",
        program,
    )


def test_no_text_escapes() -> None:
    """Paths, reasons, the model and tags of a foreign model may hold anything."""
    nasty = "\"></script><img src=x onerror=alert(1)>&'"
    tally, _ = tallied((nasty, "ring"), np.zeros((0, 2)))
    selection = TagSelection(2, 1, 0.5)
    selection.add(0, nasty, 0, np.array([0.5, 0.5]), flat_view())
    tally.add(np.array([0.5, 0.5]))
    tally.add_unreadable(f"{nasty} frame 0: cut short")
    text = tags_page(nasty, tally, selection.images())
    assert "<img src=x" not in text
    assert text.count("</script>") == 2
    assert data_of(text)["images"][0]["path"] == nasty
    assert data_of(text)["tags"][0] == nasty
    said = " ".join(parsed(text).words)
    assert f"{nasty} frame 0: cut short" in said


def test_a_part_of_a_run_is_called_a_part() -> None:
    known = np.random.default_rng(1).random((2000, 2))
    tally, selection = tallied(NAMES, known, most=50)
    shown = selection.images()
    said = " ".join(parsed(tags_page("model.onnx", tally, shown)).words)
    assert f"This page holds {len(shown)} of 2,000 images" in said
    whole = " ".join(parsed(tags_page("model.onnx", *_whole(known[:50]))).words)
    assert "This page holds" not in whole


def _whole(known: np.ndarray) -> tuple[Any, Any]:
    tally, selection = tallied(NAMES, known)
    return tally, selection.images()


def test_images_without_tags_are_reported() -> None:
    tally, selection = tallied(NAMES, np.full((2, 2), 0.5))
    for number in range(25):
        tally.add_unreadable(f"{number}.cbf frame 0: cut short")
    said = " ".join(parsed(tags_page("model.onnx", tally, selection.images())).words)
    assert "25 images could not be tagged" in said
    assert "19.cbf frame 0: cut short" in said
    assert "And 5 more" in said
