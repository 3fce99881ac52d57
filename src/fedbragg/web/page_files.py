"""The files of a page, read from its package once: a request can name these and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PAGE = "index.html"


def page_routes(package: str, page: str = PAGE) -> list[Route]:
    """Return an address for every file in a package's folder ``web``, its name; the page itself has none.

    The style sheet that all pages share is among them.
    """
    found = []
    for file in (*files("fedbragg.web").joinpath("web").iterdir(), *files(package).joinpath("web").iterdir()):
        kind = KINDS.get(f".{file.name.rpartition('.')[2]}")
        if kind is not None:
            found.append(Route(f"/{'' if file.name == page else file.name}", _file(kind, file.read_bytes())))
    return found


def _file(kind: str, content: bytes) -> Callable[[Request], Response]:
    return lambda request: Response(content, media_type=kind)
