"""Damage files and open them; a program of its own, so that a crash fails one test instead of ending them all.

Prints one JSON line: how often the damage was reported, harmless, or unseen (counts differ without a report).
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from detector_files import FORMATS, counts, square
from hdf5_files import checked_hdf5

from fedbragg.errors import FedbraggError
from fedbragg.images import open_run
from fedbragg.types import Frame

COMPRESSORS = {"gz": "gzip", "bz2": "bz2"}


def outcome(path: Path, original: np.ndarray) -> str:
    try:
        run = open_run(path)
        frames = list(run.frames())
    except FedbraggError as error:
        message = str(error)
        assert str(path) in message and "\n" not in message and message.endswith("."), message
        return "reported"
    if any(not isinstance(frame, Frame) for frame in frames):
        return "reported"
    same = len(frames) == 1 and np.array_equal(frames[0].counts, original)  # type: ignore[union-attr]
    return "harmless" if same else "unseen"


def damaged(content: bytes, how: str, rng: np.random.Generator) -> bytes:
    if how == "truncate":
        return content[: rng.integers(0, len(content))]
    place = int(rng.integers(0, len(content)))
    return content[:place] + bytes([content[place] ^ int(rng.integers(1, 256))]) + content[place + 1 :]


def main(kind: str, how: str, times: int) -> None:
    extension, _, compression = kind.partition("+")
    writer, dtype = (checked_hdf5, "u2") if extension == "fletcher" else FORMATS[extension]
    suffix = ".h5" if extension == "fletcher" else extension
    original = counts(dtype, square(suffix))
    rng = np.random.default_rng(20)
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, f"whole{suffix}")
        writer(whole, original)
        content = whole.read_bytes()
        if compression:
            content = __import__(COMPRESSORS[compression]).compress(content)
        for number in range(times):
            path = Path(folder, f"{number}{suffix}" + (f".{compression}" if compression else ""))
            path.write_bytes(damaged(content, how, rng))
            print(f"{kind} {how} {number}", file=sys.stderr, flush=True)
            found[outcome(path, original)] += 1
            path.unlink()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
