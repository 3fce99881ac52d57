"""A proxy between two ports of loopback that can hold bytes back and delay them, as a bad network does."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from types import TracebackType


class Proxy:
    """Forward connections to ``127.0.0.1:target``."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open = threading.Event()
        self._open.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._share, self._seconds, self._random = 0.0, 0.0, random.Random(1)
        self._sockets: list[socket.socket] = []
        self.seen = bytearray()  # all bytes forwarded, in both directions
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Hold every byte back and close nothing, as a cut cable does."""
        self._open.clear()

    def restore(self) -> None:
        self._open.set()

    def delay(self, share: float, seconds: float) -> None:
        """Hold this share of the pieces back for so long; the pieces behind them wait too."""
        self._share, self._seconds = share, seconds

    def __enter__(self) -> Proxy:
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
                    threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                self._open.wait()
                if self._random.random() < self._share:
                    time.sleep(self._seconds)
                self.seen += piece
                sink.sendall(piece)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
