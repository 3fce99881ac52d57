"""The command line: one file a command."""

from fedbragg.cli.main import main

__all__ = ["main"]
