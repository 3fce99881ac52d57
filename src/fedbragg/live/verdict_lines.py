"""Verdicts as lines of JSON, written at once, for programs that follow a watch."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import IO

from fedbragg.errors import InputError
from fedbragg.live.source import LiveFrame
from fedbragg.types import Verdict

STANDARD_OUTPUT = "-"


class VerdictLines:
    """Writes a line a verdict; a full disk ends the lines, not the watch."""

    def __init__(self, target: str, warn: Callable[[str], None]) -> None:
        """Append to the file ``target``, or to the output for ``-``; raise InputError where it cannot be written."""
        self._target, self._warn = target, warn
        self._file: IO[str] | None = sys.stdout if target == STANDARD_OUTPUT else _appended(target)

    def write(self, frame: LiveFrame, verdict: Verdict) -> None:
        """Write a verdict."""
        if self._file is None:
            return
        try:
            print(json.dumps(fields_of(frame, verdict)), file=self._file, flush=True)
        except BrokenPipeError:
            raise  # nobody reads the output any more, as with every command
        except OSError as error:
            self._file = None
            self._warn(f"{self._target}: its lines end here ({error.strerror})")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None and self._file is not sys.stdout:
            self._file.close()


def fields_of(frame: LiveFrame, verdict: Verdict) -> dict[str, object]:
    """Return a verdict's fields; of a run on disk also the file and the position in it."""
    place = {} if verdict.path == frame.series else {"path": verdict.path, "frame": verdict.index}
    return {
        "series": frame.series,
        "image": frame.number,
        **place,
        "score": verdict.score,
        "keep": verdict.keep,
        "background": verdict.background,
        "spots": verdict.spot_count,
        "resolution": verdict.resolution,
        "reason": verdict.reason,
    }


def _appended(path: str) -> IO[str]:
    try:
        return open(path, "a", encoding="utf-8")  # noqa: PTH123  closed by its owner
    except OSError as error:
        raise InputError(f"{path}: cannot write there ({error.strerror}). Give another --ndjson.") from None
