"""Make the start model of softmax regression: SETTINGS MODEL."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from conftest import skewed_problem
from fedbragg.federation.engines.remote.protocol import Message, encode_message

Path(sys.argv[2]).write_bytes(encode_message(Message({}, skewed_problem().initial)))
