"""A shard: one of several parts of a run, each a series of neighbouring frames."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fedbragg.errors import ConfigError

SHARD = re.compile(r"(\d{1,6})/(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Shard:
    """Part ``number`` of ``count`` parts, from 1."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def positions(self, frames: int) -> range:
        """Return the positions of the shard's frames in a run of so many.

        The shards of a run cover it without gap or overlap, and their lengths differ by one at most.
        """
        return range(frames * (self.number - 1) // self.count, frames * self.number // self.count)


def read_shard(text: str) -> Shard:
    """Read ``3/16``; raise ConfigError where it is malformed or there is no such shard."""
    found = SHARD.fullmatch(text.strip())
    if not found:
        raise ConfigError(f"--shard {text}: not I/N. Give for example 3/16: the third of 16 parts.")
    shard = Shard(int(found[1]), int(found[2]))
    if not 1 <= shard.number <= shard.count:
        raise ConfigError(f"--shard {text}: there is no such part. Count them from 1/N to N/N.")
    return shard


def in_words(positions: range) -> str:
    """Return the positions as ``frames 0 to 8``; an empty range as ``no frame``."""
    if not positions:
        return "no frame"
    first, last = positions[0], positions[-1]
    return f"frame {first}" if first == last else f"frames {first} to {last}"
