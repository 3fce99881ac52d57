"""fedbragg: screen diffraction images with models that facilities train together without sharing an image.

>>> import fedbragg
>>> for verdict in fedbragg.screen("run_7/"):  # doctest: +SKIP
...     print(verdict.path, verdict.index, verdict.score, verdict.keep)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedbragg.version import __version__

if TYPE_CHECKING:
    from fedbragg.api import (
        calibrate,
        evaluate,
        federate,
        identify_phases,
        measure_micrographs,
        screen,
        simulate,
        tag_images,
        train,
    )
    from fedbragg.images import open_run
    from fedbragg.tasks.hits.prepare import prepare
    from fedbragg.tasks.registry import load_model

__all__ = [
    "__version__",
    "calibrate",
    "evaluate",
    "federate",
    "identify_phases",
    "load_model",
    "measure_micrographs",
    "open_run",
    "prepare",
    "screen",
    "simulate",
    "tag_images",
    "train",
]
_HOME = {
    "open_run": "fedbragg.images",
    "prepare": "fedbragg.tasks.hits.prepare",
    "load_model": "fedbragg.tasks.registry",
}


def __getattr__(name: str) -> Any:
    """Import a name at first use, so that importing the package stays cheap."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME.get(name, "fedbragg.api")), name)


def __dir__() -> list[str]:
    """List what the package offers."""
    return __all__
