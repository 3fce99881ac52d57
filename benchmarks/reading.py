"""Measure how fast bitshuffle-LZ4 frames come, beside plain h5py and beside the decoders alone.

Run by itself for the table; every figure is measured in a process of its own, tied to its cores.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import h5py
import hdf5plugin
import numpy as np

SHAPES = {"2k": (2167, 2070), "4k": (4371, 4150)}
FRAMES = {"2k": 40, "4k": 16}
PASSES = 9
PLACE = "entry/data/data"


def write_frames(path: Path, size: str, dtype: str) -> None:
    """Write Poisson frames: a falling background, 60 spots, the gaps of an Eiger at the dtype's maximum."""
    rng = np.random.default_rng(7)
    rows, cols = SHAPES[size]
    row, col = np.mgrid[:rows, :cols]
    background = 2 * np.exp(-np.hypot(row - rows / 2, col - cols / 2) / (0.35 * rows)) + 0.02
    still = rng.poisson(background).astype(dtype)
    with h5py.File(path, "w", libver="v110") as file:
        shape = (FRAMES[size], rows, cols)
        data = file.create_dataset(PLACE, shape, dtype, chunks=(1, rows, cols), **hdf5plugin.Bitshuffle())
        for number in range(FRAMES[size]):
            frame = np.roll(still, 13 * number, axis=1)
            for place in rng.integers(5, rows - 5, (60, 2)) % [rows - 5, cols - 5]:
                frame[place[0] : place[0] + 3, place[1] : place[1] + 3] += rng.poisson(80, (3, 3)).astype(
                    dtype
                )
            frame[512:550], frame[:, cols // 2 : cols // 2 + 10] = np.iinfo(dtype).max, np.iinfo(dtype).max
            data[number] = frame


def fedbragg(path: Path) -> Callable[[], int]:
    """Read the whole run: counts and mask of every frame."""
    from fedbragg.images import open_run

    run = open_run(path)
    return lambda: sum(1 for frame in run.frames() if frame.mask is not None)


def plain_h5py(path: Path) -> Callable[[], int]:
    data = h5py.File(path)[PLACE]
    return lambda: sum(1 for number in range(len(data)) if data[number].size)


def chunks(path: Path) -> list[bytes]:
    with h5py.File(path) as file:
        data = file[PLACE]
        return [data.id.read_direct_chunk((number, 0, 0))[1] for number in range(min(4, len(data)))]


def decoder_of_fedbragg(path: Path) -> Callable[[], int]:
    """Decode chunks that are in memory, into memory that is in use, no mask."""
    from fedbragg.images.codecs.bitshuffle import decode_bitshuffle

    with h5py.File(path) as file:
        counts = np.empty(file[PLACE].shape[1:], file[PLACE].dtype).reshape(-1)
    none = np.empty(0, np.uint8)
    raw = [np.frombuffer(chunk, np.uint8) for chunk in chunks(path)]
    return lambda: sum(1 for chunk in raw * 4 if decode_bitshuffle(chunk, counts, none, 0) == 0)


def decoder_of_bitshuffle(path: Path) -> Callable[[], int]:
    """Do the same with the C code of bitshuffle, out of hdf5plugin's own library."""
    library = ctypes.CDLL(str(next(Path(hdf5plugin.PLUGIN_PATH).glob("*h5bshuf*"))))
    function = library.bshuf_decompress_lz4
    function.restype = ctypes.c_int64
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_size_t] * 3]
    with h5py.File(path) as file:
        counts = np.empty(file[PLACE].shape[1:], file[PLACE].dtype)
    raw = [np.frombuffer(chunk, np.uint8) for chunk in chunks(path)]
    width = counts.itemsize
    return lambda: sum(
        1
        for chunk in raw * 4
        if function(chunk.ctypes.data + 12, counts.ctypes.data, counts.size, width, 8192 // width) > 0
    )


def decoder_of_dectris(path: Path) -> Callable[[], int]:
    """Do the same with DECTRIS' decoder, which allocates what it returns."""
    from dectris.compression import decompress

    with h5py.File(path) as file:
        width = file[PLACE].dtype.itemsize
    raw = chunks(path)
    return lambda: sum(1 for chunk in raw * 4 if decompress(chunk, "bslz4", elem_size=width))


WAYS = {
    "fedbragg": fedbragg,
    "h5py": plain_h5py,
    "fedbragg decoder": decoder_of_fedbragg,
    "bitshuffle decoder": decoder_of_bitshuffle,
    "DECTRIS decoder": decoder_of_dectris,
}


def measure(way: str, path: str, cores: int) -> None:
    """Print the best and the median images/s of several passes, and the largest memory in MB."""
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:cores]))
    work = WAYS[way](Path(path))
    work()
    speeds = []
    for _ in range(PASSES):
        start = time.perf_counter()
        frames = work()
        speeds.append(frames / (time.perf_counter() - start))
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps({"best": max(speeds), "median": median(speeds), "megabytes": peak}))


def measured(way: str, path: Path, cores: int) -> dict[str, float]:
    command = [sys.executable, __file__, way, str(path), str(cores)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def rows_of(size: str, dtype: str, path: Path) -> list[list[object]]:
    rows = []
    for way in WAYS:
        for cores in (1, 2) if way == "fedbragg" else (1,):
            found = measured(way, path, cores)
            if found:
                rows.append([f"{size} {dtype}", way, cores, *(round(found[key], 1) for key in found)])
    return rows


def main() -> None:
    from harness import Table, publish

    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for size in SHAPES:
            for dtype in ("uint16", "uint32"):
                path = Path(folder, f"{size}_{dtype}.h5")
                write_frames(path, size, dtype)
                rows += rows_of(size, dtype, path)
                path.unlink()
    notes = (
        "fedbragg: `open_run(...).frames()`, counts and mask of every frame; on one core it decodes in the consumer's "
        "thread, on two in two threads. h5py: `dataset[i]` with hdf5plugin, no mask.",
        "Decoders alone: chunks already in memory, four of them by turns, no file, no mask; into memory in use, except "
        "DECTRIS', which returns new bytes.",
        f"Files in the page cache; best and median of {PASSES} passes over {FRAMES['2k']} (2k) or {FRAMES['4k']} (4k) "
        "frames; memory is the process's largest resident set, with the interpreter and its libraries.",
    )
    notes += (
        f"Processes waiting for this machine's cores at the end (load average, 5 min): {os.getloadavg()[1]:.1f}.",
    )
    columns = ("frames", "reader", "cores", "images/s, best", "images/s, median", "memory, MB")
    publish("reading", [Table("How fast are frames read?", columns, rows, notes)])


if __name__ == "__main__":
    if len(sys.argv) == 4:
        measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        main()
