"""Write the results of measured micrographs: label images, overlays, a table, a page."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedbragg.errors import InputError
from fedbragg.files import write_whole, written_whole
from fedbragg.metrics.segmentation import Instances
from fedbragg.report.page import PageSection
from fedbragg.report.segments import Measured, segments_page
from fedbragg.tasks.segments.measure.scale import Scale

GRAINS, PAGE = "grains.csv", "segments.html"
OVERLAY_COMPRESSION = 3
"""Level of zlib: 6, which Pillow takes, needs 2.6 times as long and gives no smaller file for a picture with noise."""
COLUMNS = (
    "path",
    "number",
    "class",
    "row",
    "col",
    "area",
    "equivalent_diameter",
    "aspect_ratio",
    "touches_edge",
    "unit",
)


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """Where the pictures of a micrograph go."""

    labels: Path  # .png, or .ome.tif
    overlay: Path  # .png
    scale: Scale  # which an .ome.tif says too


def write_pictures(files: PictureFiles, instances: Instances, overlay: NDArray[np.uint8]) -> tuple[Path, ...]:
    """Write the label image and the overlay of a micrograph; raise InputError where they cannot be written."""
    from PIL import Image

    try:
        with written_whole(files.labels) as fresh:
            _write_labels(fresh, instances, files)
        with written_whole(files.overlay) as fresh:
            Image.fromarray(overlay).save(fresh, "PNG", compress_level=OVERLAY_COMPRESSION)
    except OSError as error:
        problem = f"{files.labels}: cannot be written ({error.strerror}). Give another --out."
        raise InputError(problem) from None
    return files.labels, files.overlay


def _write_labels(path: Path, instances: Instances, files: PictureFiles) -> None:
    """Write the number of each pixel's instance, as Fiji and napari open it."""
    deep = instances.astype(np.uint16 if instances.max(initial=0) <= 0xFFFF else np.uint32)
    if files.labels.suffix == ".png":
        from PIL import Image

        if deep.dtype == np.uint32:
            raise InputError(f"{files.labels}: more than 65,535 grains do not fit a PNG. Leave out --png.")
        Image.fromarray(deep).save(path, "PNG")
        return
    import tifffile

    metadata: dict[str, Any] = {"axes": "YX"}
    if (length := files.scale.micrometres) is not None:
        metadata |= {"PhysicalSizeX": length, "PhysicalSizeY": length}
        metadata |= {"PhysicalSizeXUnit": "µm", "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite(path, deep, ome=True, metadata=metadata, compression="zlib", photometric="minisblack")


def write_summary(
    out: Path, measured: Sequence[Measured], sections: Sequence[PageSection], unread: Sequence[str]
) -> None:
    """Write grains.csv and the page about all micrographs; raise InputError where they cannot be written."""
    instances = sum(len(one.table.number) for one in measured)
    try:
        with written_whole(out / GRAINS) as fresh, fresh.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            for one in measured:
                table.writerows(_lines(one))
        write_whole(out / PAGE, segments_page(sections, instances, unread))
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}). Give another --out.") from None


def _lines(one: Measured) -> Iterator[list[str]]:
    found = one.table
    for i, number in enumerate(found.number):
        yield [
            one.name,
            str(number),
            str(found.kind[i]),
            f"{found.row[i]:.1f}",
            f"{found.col[i]:.1f}",
            f"{found.area[i]:.6g}",
            f"{found.diameter[i]:.6g}",
            f"{found.aspect_ratio[i]:.3f}",
            "yes" if found.touches_edge[i] else "no",
            one.scale.unit,
        ]
