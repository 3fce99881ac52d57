"""The exit codes that several commands share (docs/decisions/0004-exit-codes.md)."""

from __future__ import annotations

UNREADABLE = 3
"""All is done but for some items that could not be read; a screening keeps such frames."""
DIFFERENT = 3
"""An audit has found lines that were changed or removed, or two records that differ."""
STOPPED = 128
"""Plus the number of the signal that stopped the command: 130 after Ctrl-C."""
