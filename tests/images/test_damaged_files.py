"""A damaged file is reported; it never crashes, hangs or gives other counts without a word."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from detector_files import FORMATS

SLOW = (".esper",)
"""At least 256 x 256 pixels, decoded row by row in Python: a fifth as many files."""
HAS_CHECKSUM = (".cbf", ".npz", "fletcher", ".cbf+gz", ".tif+bz2", ".edf+gz")


def outcomes(kind: str, how: str, times: int) -> dict[str, int]:
    """Damage files of a format in a process of its own; a crash or a hang fails the test."""
    program = Path(__file__).with_name("damage_files.py")
    done = subprocess.run(
        [sys.executable, str(program), kind, how, str(times)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, int] = json.loads(done.stdout)
    assert sum(found.values()) == times
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*FORMATS, "fletcher", ".cbf+gz", ".tif+bz2", ".edf+gz"])
def test_a_file_cut_at_200_random_lengths_never_gives_other_counts(kind: str) -> None:
    assert outcomes(kind, "truncate", 200).get("unseen", 0) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", HAS_CHECKSUM)
def test_500_flipped_bytes_never_give_other_counts_where_the_format_has_a_checksum(kind: str) -> None:
    assert outcomes(kind, "flip", 500).get("unseen", 0) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind not in HAS_CHECKSUM])
def test_500_flipped_bytes_neither_crash_nor_hang(kind: str) -> None:
    times = 100 if kind in SLOW else 500
    assert sum(outcomes(kind, "flip", times).values()) == times
