"""Access control: only a page that this server itself sent may make requests.

Every address begins with a random token. Host and Origin must be the server's own, so that neither another page in the
same browser nor a name that points here can ask or label.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),  # it would hold the token
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""On every answer."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The conditions for a request to be answered."""

    token: str
    origins: frozenset[str]  # such as http://127.0.0.1:8000
    public: frozenset[str] = frozenset()  # paths that need no token

    @property
    def hosts(self) -> frozenset[str]:
        """Return the values of Host that are the server's own."""
        return frozenset(origin.split("://", 1)[1] for origin in self.origins)


class Guard:
    """Lets requests with token, Host and Origin through, without the token in their path."""

    def __init__(self, application: Application, admission: Admission) -> None:
        self._application, self._admission = application, admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; anything but HTTP is passed on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._application(scope, receive, send)
            return
        guarded = _with_headers(send)
        rest = self._admitted(scope)
        if rest is None:
            await _refuse(guarded)
            return
        inner = {**scope, "path": rest, "raw_path": rest.encode(), "root_path": ""}
        await self._application(inner, receive, guarded)

    def _admitted(self, scope: Scope) -> str | None:
        """Return the path behind the token, or None."""
        headers = _headers(scope)
        _, _, address = scope["path"].partition("/")
        token, slash, rest = address.partition("/")
        if scope["path"] in self._admission.public:
            token, slash, rest = self._admission.token, "/", scope["path"][1:]
        same = hmac.compare_digest(token.encode("utf-8", "replace"), self._admission.token.encode())
        if not same or not slash or headers.get("host") not in self._admission.hosts:
            return None
        origin = headers.get("origin")
        needed = scope["method"] not in ("GET", "HEAD")
        if origin not in self._admission.origins and (needed or origin is not None):
            return None
        return f"/{rest}"


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers; one that is sent twice matches nothing."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        found[key] = "twice" if key in found else value.decode("latin-1")
    return found


def _with_headers(send: Send) -> Send:
    async def guarded(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
        await send(message)

    return guarded


async def _refuse(send: Send) -> None:
    """Answer 404 in every case, so that nobody learns which addresses exist."""
    start = {"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]}
    await send(start)
    await send(
        {"type": "http.response.body", "body": b"Not found. Open the address that fedbragg printed.\n"}
    )
