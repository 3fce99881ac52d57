"""Open a watch's source by its address: a detector's stream, or a run on disk."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from fedbragg.errors import ConfigError
from fedbragg.images.paths import is_glob

if TYPE_CHECKING:
    from fedbragg.live.growing_run import GrowingRun
    from fedbragg.live.series_folder import SeriesSettings
    from fedbragg.live.source import Source
    from fedbragg.workflows.watch import WatchRequest

PVACCESS = "pva://"
STREAMS = ("tcp://", "ipc://", PVACCESS)
HOST_AND_PORT = re.compile(r"[\w.-]+:\d+")
IDLE = 60.0
"""Seconds without a new frame after which a run on disk is over, by default."""


def is_stream(address: str) -> bool:
    """Return whether an address is a sender's; otherwise it is a path."""
    return "://" in address


def open_live(address: str, request: WatchRequest, settings: SeriesSettings | None = None) -> Source:
    """Open a live source that `check_source` allows, a run after the frames that the folder of ``settings`` has.

    Raises ConfigError for an address that cannot be used.
    """
    if not is_stream(address):
        from fedbragg.live.growing_run import GrowingRunSource

        run = growing_run(address, request)
        left = run if settings is None else _with_done(run, settings)
        return GrowingRunSource(left, request.predictor.reduce)
    if address.startswith(PVACCESS):
        from fedbragg.images.buffer_pool import BufferPool
        from fedbragg.live.pixels import Decoding
        from fedbragg.live.pvaccess.source import PVAccessSource

        return PVAccessSource(address, Decoding(BufferPool(2 * request.threads), request.predictor.reduce))
    from fedbragg.live.stream_reader import StreamReader
    from fedbragg.live.stream_source import StreamSource

    reader = StreamReader(request.channel, 2 * request.threads, request.predictor.reduce)
    return StreamSource(address, reader)


def check_source(address: str, request: WatchRequest) -> None:
    """Raise ConfigError for an invalid address, and for options that its kind of source does not have.

    Raises MissingExtraError where the packages for streams are needed and missing.
    """
    from fedbragg.live.connection import require_live

    if not is_stream(address):
        _check_run(address, request)
    elif not address.startswith(STREAMS):
        raise ConfigError(
            f"{address}: no live source. Give the detector's address, such as tcp://host:31001, a channel, such as "
            "pva://13SIM1:Pva1:Image, or a path."
        )
    elif request.images_in_run is not None or request.idle is not None:
        raise ConfigError(
            f"{address}: a detector says itself when a series is over. Leave out --images and --idle-seconds."
        )
    else:
        _check_channel(address, request)
        require_live("watching a detector")


def growing_run(path: str, request: WatchRequest) -> GrowingRun:
    """Return the run at a path, with no frame done."""
    from fedbragg.live.growing_run import GrowingRun

    return GrowingRun(path, IDLE if request.idle is None else request.idle, request.images_in_run)


def _with_done(run: GrowingRun, settings: SeriesSettings) -> GrowingRun:
    from dataclasses import replace

    from fedbragg.live.series_folder import verdicts_so_far

    earlier = verdicts_so_far(run.series, settings)
    return replace(run, done=Counter(verdict.path for verdict in earlier))


def _check_channel(address: str, request: WatchRequest) -> None:
    """Raise ConfigError for options of a channel that only streams have."""
    given = {
        "--forward": request.forward is not None,
        "--record": request.record is not None,
        "--threshold": request.channel is not None,
    }
    wrong = [option for option, is_given in given.items() if is_given]
    if address.startswith(PVACCESS) and wrong:
        raise ConfigError(
            f"{address}: a channel has no messages and no thresholds. Leave out {', '.join(wrong)}."
        )


def _check_run(path: str, request: WatchRequest) -> None:
    folder = Path(path).absolute().parent
    if HOST_AND_PORT.fullmatch(path) and not Path(path).exists():
        raise ConfigError(
            f"{path}: no such file. A detector's address begins with tcp://: give tcp://{path}."
        )
    if not is_glob(folder) and not folder.is_dir():
        raise ConfigError(f"{path}: its folder does not exist. Check the path, and that its disk is mounted.")
    given = {
        "--forward": request.forward is not None,
        "--record": request.record is not None,
        "--nxmx": request.images,
        "--threshold": request.channel is not None,
        "--when-full keep": request.keep_when_full,
    }
    wrong = [option for option, is_given in given.items() if is_given]
    if wrong:
        raise ConfigError(
            f"{path}: is a run on disk, which nobody has to keep or to wait for. Leave out {', '.join(wrong)}; "
            "fedbragg screen --nxmx writes its hits when it is complete."
        )
