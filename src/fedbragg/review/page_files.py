"""The files of the page, read from the package once: a request can name these and nothing else."""

from __future__ import annotations

from importlib.resources import files

KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PAGE = "index.html"


def page_files(page: str = PAGE) -> dict[str, tuple[str, bytes]]:
    """Return media type and content of every file, by its name in the address; the page itself has none."""
    found = {}
    for file in files("fedbragg.review").joinpath("web").iterdir():
        kind = KINDS.get(f".{file.name.rpartition('.')[2]}")
        if kind is not None:
            found["" if file.name == page else file.name] = (kind, file.read_bytes())
    return found
