"""The process that compiles beside the first screening compiles what the screening then needs, and no more is left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

from fedbragg.workflows.compile_ahead import _start_compiler

FRAMES = """
import sys

import numpy as np
from numba.core.registry import CPUDispatcher

from fedbragg.screening.background import background_level
from fedbragg.tasks.hits import default_model, open_model
from fedbragg.workflows.compile_ahead import compile_later_steps

predictor = open_model(default_model())


def compiled():
    found = set()
    for name, module in list(sys.modules.items()):
        if name.startswith("fedbragg."):
            for member in vars(module).values():
                if isinstance(member, CPUDispatcher) and member.__module__ == name:
                    found.update((f"{name}.{member.__name__}", str(kinds)) for kinds in member.signatures)
    return found


compile_later_steps(np.dtype("uint16"), centre_known=False)
ahead = compiled()

from fedbragg.images.open import open_files

for frame in open_files(sys.argv[1], reduce=predictor.reduce).frames():
    predictor(frame)
    background_level(frame)
print(len(ahead))
print(*sorted({name for name, _ in compiled() - ahead}), sep="\\n")
"""
BEFORE = (
    "fedbragg.images.codecs.",
    "fedbragg.tasks.hits.prepare.decoding.",
    "fedbragg.tasks.hits.prepare.level_sample.add_to_groups",
    "fedbragg.tasks.hits.prepare.likely_peaks.",
    "fedbragg.tasks.hits.prepare.pixels.",
)
"""Modules of what decodes and reduces; the process of the screening compiles it itself."""


def write_stills(path: Path) -> Path:
    """Write an Eiger's frames with spots about a round light, and a gap; the file states no beam centre."""
    generator = np.random.default_rng(5)
    rows, cols = np.indices((240, 264))
    light = 30 * np.exp(-np.hypot(rows - 118, cols - 133) / 70)
    frames = generator.poisson(light, (3, *light.shape)).astype(np.uint16)
    frames[:, generator.integers(3, 237, 40), generator.integers(3, 261, 40)] += 90
    frames[:, 96:112] = 65535
    with h5py.File(path, "w") as file:
        file.create_dataset("entry/data/data", data=frames, chunks=(1, 240, 264), **hdf5plugin.Bitshuffle())
    return path


def test_nothing_after_the_reduction_is_left_to_compile(tmp_path: Path) -> None:
    run = write_stills(tmp_path / "run.h5")
    done = subprocess.run(
        [sys.executable, "-c", FRAMES, str(run)], capture_output=True, text=True, check=True
    )
    ahead, *left = done.stdout.split()
    assert int(ahead) > 8
    assert "fedbragg.tasks.hits.prepare.decoding._decode_and_reduce" in left
    assert [name for name in left if not name.startswith(BEFORE)] == []


def test_the_process_ends_well() -> None:
    assert _start_compiler(np.dtype(np.uint16), centre_known=True).wait() == 0
