"""Read a TOML file as a dictionary."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from fedbragg.errors import ConfigError


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Return a file's content; raise ConfigError naming the file and ``what`` it should be ("a federation.toml")."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. Give the path of {what}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}). Give the path of {what}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}.") from None
