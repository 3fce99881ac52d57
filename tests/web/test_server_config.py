"""A page changes nothing of the process that serves it."""

from __future__ import annotations

import logging

from fedbragg.web.server_config import server_config


class Noted(logging.Handler):
    """A handler of another package, as absl's, that closes its stream with itself."""

    closed = False

    def close(self) -> None:
        self.closed = True
        super().close()


async def nothing(scope: object, receive: object, send: object) -> None:
    raise AssertionError("nobody asks")


def test_the_logging_of_other_packages_goes_on() -> None:
    other = Noted()
    logging.getLogger("other").addHandler(other)
    try:
        server_config(nothing, "warning").load()
        assert not other.closed
    finally:
        logging.getLogger("other").removeHandler(other)
