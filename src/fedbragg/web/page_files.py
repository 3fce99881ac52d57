"""The files of a page, read from its package once: a request can name these and nothing else."""

from __future__ import annotations

from importlib.resources import files

KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PAGE = "index.html"


def page_files(package: str) -> dict[str, tuple[str, bytes]]:
    """Return media type and content of every file in a package's folder ``web``, by its name in the address.

    The page itself has no name.
    """
    found = {}
    for file in files(package).joinpath("web").iterdir():
        kind = KINDS.get(f".{file.name.rpartition('.')[2]}")
        if kind is not None:
            found["" if file.name == PAGE else file.name] = (kind, file.read_bytes())
    return found
