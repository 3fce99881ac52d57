from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec("cryptography") is None:
    pytest.skip("cryptography is not installed: pip install 'fedbragg[secure]'", allow_module_level=True)

sys.path.insert(0, str(Path(__file__).parent))  # network.py is beside the tests
