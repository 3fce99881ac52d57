"""Detector images and their labels: ``open_run`` opens the files that a beamline writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fedbragg.images.files.image_file import (
        ImageFile,
        SingleImage,
        UnreadableFileError,
        opened_by,
        read_bytes,
    )
    from fedbragg.images.format import Format
    from fedbragg.images.frame_requests import ReadAhead
    from fedbragg.images.hdf5.writer import write_run
    from fedbragg.images.header import Header
    from fedbragg.images.labels import LabelTable, read_cxidb_annotation, read_labels, write_labels
    from fedbragg.images.mask import TrustedRange
    from fedbragg.images.open import open_run
    from fedbragg.images.registry import register_format

    Reading = ReadAhead

__all__ = [
    "Format",
    "Header",
    "ImageFile",
    "LabelTable",
    "ReadAhead",
    "Reading",
    "SingleImage",
    "TrustedRange",
    "UnreadableFileError",
    "open_run",
    "opened_by",
    "read_bytes",
    "read_cxidb_annotation",
    "read_labels",
    "register_format",
    "write_labels",
    "write_run",
]

_MODULES = {
    **dict.fromkeys(
        ("ImageFile", "SingleImage", "UnreadableFileError", "opened_by", "read_bytes"), "files.image_file"
    ),
    **dict.fromkeys(("LabelTable", "read_cxidb_annotation", "read_labels", "write_labels"), "labels"),
    "Format": "format",
    "Header": "header",
    "ReadAhead": "frame_requests",
    "TrustedRange": "mask",
    "open_run": "open",
    "register_format": "registry",
    "write_run": "hdf5.writer",
}
_FORMER_NAMES = {"Reading": "ReadAhead"}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, so that importing this package stays cheap."""
    from importlib import import_module

    present = _FORMER_NAMES.get(name, name)
    if present not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[present]}"), present)
