"""CBF files: sentinels, checksum, and the variants that are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from detector_files import cbf, counts
from run_checks import assert_refused

from fedbragg.images import open_run


def test_pilatus_sentinels_and_counts_above_the_cutoff_are_masked(tmp_path: Path) -> None:
    image = np.full((20, 30), 7, np.int32)
    image[1, 1], image[2, 2], image[3, 3], image[4, 4] = -1, -2, 1000, 1001
    cbf(tmp_path / "a.cbf", image)
    masked = np.argwhere(open_run(tmp_path / "a.cbf")[0].mask)
    assert [tuple(place) for place in masked] == [(1, 1), (2, 2), (4, 4)]


def test_cspad_and_rayonix_cbf_are_refused_with_a_remedy(tmp_path: Path) -> None:
    cbf(tmp_path / "good.cbf", counts("i4"))
    content = (tmp_path / "good.cbf").read_bytes()
    (tmp_path / "cspad.cbf").write_bytes(content + content)
    (tmp_path / "rayonix.cbf").write_bytes(content.replace(b"x-CBF_BYTE_OFFSET", b"x-CBF_PACKED"))
    assert_refused(tmp_path / "cspad.cbf", "several binary sections.*NeXus")
    assert_refused(tmp_path / "rayonix.cbf", "not byte-offset.*NeXus")


def test_a_cbf_whose_counts_were_altered_fails_its_checksum(tmp_path: Path) -> None:
    cbf(tmp_path / "a.cbf", counts("i4"))
    content = bytearray((tmp_path / "a.cbf").read_bytes())
    content[content.find(b"\x0c\x1a\x04\xd5") + 1000] ^= 1
    (tmp_path / "a.cbf").write_bytes(content)
    assert_refused(tmp_path / "a.cbf", "checksum")
