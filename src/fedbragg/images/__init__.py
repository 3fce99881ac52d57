"""Detector files and label tables in: ``open_run`` opens what a beamline writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fedbragg.images.hdf5.writer import write_run
    from fedbragg.images.labels import LabelTable, read_cxidb_annotation, read_labels, write_labels
    from fedbragg.images.run import Reading, open_run

__all__ = [
    "LabelTable",
    "Reading",
    "open_run",
    "read_cxidb_annotation",
    "read_labels",
    "write_labels",
    "write_run",
]

_HOME = {"open_run": "run", "Reading": "run", "write_run": "hdf5.writer"}


def __getattr__(name: str) -> Any:
    """Import what is asked for, so that importing this package stays cheap."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'labels')}"), name)
