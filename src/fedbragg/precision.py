"""The precisions in which layers can multiply while a network is trained."""

from __future__ import annotations

from typing import Literal

Precision = Literal["float32", "bfloat16"]
"""bfloat16 is faster on processors that have it."""
