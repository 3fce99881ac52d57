"""A link that can be cut and delayed: bytes pass between two ports of loopback, or do not."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from types import TracebackType


class Link:
    """Forward connections to ``127.0.0.1:target``."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open = threading.Event()
        self._open.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._share, self._seconds, self._chance = 0.0, 0.0, random.Random(1)
        self._sockets: list[socket.socket] = []
        self.seen = bytearray()  # all that has passed, either way
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Hold every byte back, without a word to either side, as a cut cable does."""
        self._open.clear()

    def mend(self) -> None:
        self._open.set()

    def delay(self, share: float, seconds: float) -> None:
        """Hold this share of the pieces back for so long; what comes behind them waits too."""
        self._share, self._seconds = share, seconds

    def __enter__(self) -> Link:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.set()
        for each in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                self._open.wait()
                if self._chance.random() < self._share:
                    time.sleep(self._seconds)
                self.seen += piece
                sink.sendall(piece)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
