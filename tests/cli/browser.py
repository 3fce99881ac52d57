"""Drive Chromium as a user does: keys, clicks, window sizes; over its debugging pipe, without another package."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Options of a browser that calls nobody."""
OPTIONS = ("--headless=new", *QUIET, "--remote-debugging-pipe")
KEYS = {
    "Enter": (13, "\r"),
    " ": (32, " "),
    "Tab": (9, ""),
    "Escape": (27, ""),
    "ArrowLeft": (37, ""),
    "ArrowUp": (38, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
}
"""Code and text of each key."""


class Tab:
    """One page in the browser."""

    def __init__(self, into: int, out: int) -> None:
        self._into, self._out, self._waiting, self._number = into, out, b"", 0
        self._session = ""
        self.complaints: list[str] = []  # errors and messages of the page
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._into, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._number:
            self._hear(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, page: Path | str, width: int = 1200, height: int = 900) -> None:
        """Open a file or an address in a window of this size, and wait until it is loaded."""
        self.resize(width, height)
        self.send("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        self.run(
            "new Promise((ready) => document.readyState === 'complete' ? ready() : addEventListener('load', ready))"
        )

    def resize(self, width: int, height: int = 900) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **size)

    def run(self, code: str) -> Any:
        """Evaluate JavaScript and return its value."""
        answer = self.send("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, times: int = 1) -> None:
        """Press a key."""
        code, text = KEYS[key] if key in KEYS else (ord(key.upper()), key)
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                more = {"text": text} if text and kind == "keyDown" else {}
                self.send(
                    "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **more
                )

    def click(self, selector: str) -> None:
        """Click into the middle of an element with the mouse."""
        element = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{element}.scrollIntoView({{ block: 'center' }})")
        box = self.run(f"{element}.getBoundingClientRect().toJSON()")
        place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        for kind in ("mousePressed", "mouseReleased"):
            self.send(
                "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1
            )

    def picture(self, path: Path, whole: bool = False) -> None:
        """Write what the window shows, or the whole page, as PNG."""
        data = self.send("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            part = os.read(self._out, 1 << 20)
            assert part, "the browser ended"
            self._waiting += part
        message, self._waiting = self._waiting.split(b"\0", 1)
        answer: dict[str, Any] = json.loads(message)
        return answer

    def _hear(self, event: dict[str, Any]) -> None:
        if event.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.complaints.append(json.dumps(event["params"]))


def until(tab: Tab, condition: str, seconds: float = 60) -> None:
    """Wait until JavaScript is true on a page."""
    end = time.monotonic() + seconds
    while not tab.run(condition):
        assert time.monotonic() < end, f"{condition}; the page says {tab.run('document.body.innerText')}"
        time.sleep(0.03)


@contextmanager
def browser() -> Iterator[Tab]:
    """Start a browser with an empty profile and give a page of it."""
    profile = tempfile.mkdtemp(prefix="fedbragg-browser")
    (in_read, in_write), (out_read, out_write) = os.pipe(), os.pipe()
    # The browser reads commands from descriptor 3 and answers on 4; only a shell can number them so.
    arguments = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={profile}"]
    command = ["bash", "-c", f'exec "$@" 3<&{in_read} 4>&{out_write}', "bash", *arguments]
    process = subprocess.Popen(
        command, pass_fds=(in_read, out_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    os.close(in_read)
    os.close(out_write)
    try:
        yield Tab(in_write, out_read)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the group is ours alone
        process.wait()
        os.close(in_write)
        os.close(out_read)
        shutil.rmtree(profile, ignore_errors=True)
