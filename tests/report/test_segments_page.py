"""The page about measured micrographs says what is in the table, class by class."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fedbragg.metrics.estimate import Estimate
from fedbragg.report.segments import Measured, Pictures, segments_page, segments_section
from fedbragg.report.segments_overlay import COLOURS, as_jpeg, as_shown, overlay
from fedbragg.tasks.segments.instances import Classes
from fedbragg.tasks.segments.measure.grain_size import GrainSize
from fedbragg.tasks.segments.measure.scale import Scale
from fedbragg.tasks.segments.measure.table import instance_table

CLASSES = Classes(("matrix", "boundary", "dot"))


def measured(scale: Scale, classes: Classes = CLASSES) -> Measured:
    """Return one grain and three dots; one dot of 4 x 4 pixels touches the edge, the two others have 10 x 10."""
    instances, labels = np.ones((60, 60), np.int32), np.zeros((60, 60), np.uint8)
    for number, (row, col, side) in enumerate(((0, 0, 4), (20, 20, 10), (40, 40, 10)), start=2):
        instances[row : row + side, col : col + side] = number
        labels[row : row + side, col : col + side] = 2
    table = instance_table(instances, labels, classes, scale)
    fractions = {
        name: Estimate(share, share / 2, 1.0)
        for name, share in zip(classes.names, (0.94, 0, 0.06), strict=True)
    }
    return Measured("a.png", fractions, table, None, scale)


def page_of(one: Measured, classes: Classes = CLASSES, unread: Sequence[str] = ()) -> str:
    """Return the page about a light picture of 60 x 60 pixels with a dark dot."""
    instances, labels = np.ones((60, 60), np.int32), np.zeros((60, 60), np.uint8)
    instances[20:30, 20:30], labels[20:30, 20:30] = 2, 2
    picture = as_shown(np.where(labels == 2, 50, 200).astype(np.uint8))
    pictures = Pictures(as_jpeg(picture), as_jpeg(overlay(picture, labels, instances)))
    return segments_page([segments_section(one, pictures, classes)], len(one.table.number), unread)


def rows_of(page: str) -> dict[str, list[str]]:
    rows = [re.findall("<td>(.*?)</td>", row) for row in re.findall("<tr>(.*?)</tr>", page)]
    return {row[0]: row[1:] for row in rows if row}


def test_each_class_has_its_own_number_and_sizes() -> None:
    page = page_of(measured(Scale(0.5)))
    diameter = np.sqrt(4 * 100 / np.pi) * 0.5  # of the dots that do not touch the edge
    assert rows_of(page)["dot"] == [
        "6.00 %", "3.00 to 100.00 %", "3", f"{diameter:.3g}", f"{diameter:.3g} to {diameter:.3g}"
    ]  # fmt: skip
    assert rows_of(page)["boundary"][2:] == ["–", "–", "–"]
    assert rows_of(page)["matrix"][2:] == ["1", "–", "–"], "the grain is cut off by the edge"
    assert "mean diameter, µm" in page and "grains of the matrix" in page and "parts of dot" in page


def test_sizes_are_drawn_for_the_classes_that_have_whole_instances() -> None:
    page = page_of(measured(Scale()))
    assert page.count("<svg") == 1
    assert "equivalent diameter (px)" in page and "Give --scale" in page
    drawn = page[page.index("<svg") : page.index("</svg>")]
    assert "parts of dot" in drawn and "grains of the matrix" not in drawn


def test_without_boundaries_there_are_no_grains() -> None:
    classes = Classes(("matrix", "other", "dot"))
    page = page_of(measured(Scale(0.5), classes), classes)
    assert "grains of" not in page and "parts of matrix" in page


@pytest.mark.parametrize(("grains", "warned"), [(49, True), (50, False)])
def test_a_grain_size_of_few_grains_is_doubted(grains: int, warned: bool) -> None:
    five = Estimate(5.0, 4.5, 5.5)
    one = replace(measured(Scale(0.5)), size=GrainSize(grains, Estimate(20.0, 19.0, 21.0), five, five))
    page = page_of(one)
    assert "ASTM E112 G by area, 4.50 to 5.50" in page
    assert ("ASTM E112 asks for 50" in page) is warned


def test_the_micrograph_is_shown_beside_its_overlay() -> None:
    page = page_of(measured(Scale(0.5)), unread=["b.png: not a picture."])
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    levels = [np.asarray(Image.open(io.BytesIO(base64.b64decode(one))), float) for one in pictures]
    assert len(levels) == 2 and all(one.shape == (60, 60, 3) for one in levels)
    assert np.ptp(levels[0][30, 30]) < 12, "the original is grey"
    assert levels[1][25, 25, 2] - levels[1][25, 25, 0] > 30, "a dot is tinted in its class's colour"
    assert "b.png: not a picture." in page


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_picture_is_shown_with_its_own_contrast(dtype: type) -> None:
    picture = np.full((50, 50), 100, dtype)
    picture[:25] = 110
    shown = as_shown(picture)
    assert shown.dtype == np.uint8 and shown.shape == (50, 50, 3)
    assert shown[0, 0].tolist() == [255, 255, 255] and shown[-1, 0].tolist() == [0, 0, 0]


def test_the_outline_has_one_colour_and_the_original_stays() -> None:
    shown = np.full((20, 20, 3), 128, np.uint8)
    instances = np.ones((20, 20), np.int32)
    instances[:, 10:] = 2
    drawn = overlay(shown, np.zeros((20, 20), np.uint8), instances)
    assert (drawn[:, 9:11] == (255 * np.array(COLOURS[0])).astype(np.uint8)).all(axis=-1).any()
    assert (shown == 128).all()
