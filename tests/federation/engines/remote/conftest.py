from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec("safetensors") is None:
    pytest.skip("safetensors is not installed: pip install 'fedbragg[train]'", allow_module_level=True)

sys.path.insert(0, str(Path(__file__).parent))  # in_process.py is beside the tests

from in_process import InProcessFederation


@pytest.fixture
def federation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcessFederation]:
    """A service without a federation; clients that join it end with the test."""
    monkeypatch.setenv("FEDBRAGG_TEST_FOLDER", str(tmp_path))
    opened = InProcessFederation(tmp_path)
    try:
        yield opened
    finally:
        opened.close()
