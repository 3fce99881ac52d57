"""Make the start model of softmax regression: SETTINGS MODEL."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from softmax import skewed_problem

from fedbragg.federation.tensors import encode_tensors

Path(sys.argv[2]).write_bytes(encode_tensors(skewed_problem().initial))
