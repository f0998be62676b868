"""A headless Chromium on a pipe: the few commands of its DevTools that the page's tests need."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.evidence.chromium_files import Chromium, NoChromium, chromium

__all__ = ["Tab", "open_tab"]

_SECONDS = 120.0
# No sandbox: containers and Ubuntu's AppArmor refuse it, and the pages are ours.
_OPTIONS = (
    *("--no-sandbox", "--disable-dev-shm-usage"),
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--remote-debugging-pipe",
)


class Tab:
    """One page; commands are sent in turn, and events are kept as they come."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and return its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        try:
            os.write(self._to, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise NoChromium("Chromium ended") from None
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def load(self, page: Path, *, width: int, height: int = 900, scheme: str = "light") -> None:
        """Open a page at a width, in a colour scheme, and wait until it is there."""
        self.events.clear()
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.send("Emulation.setEmulatedMedia", features=[feature])
        self.send("Page.navigate", url=page.as_uri())
        while not any(each.get("method") == "Page.loadEventFired" for each in self.events):
            self.events.append(self._next())

    def run(self, script: str) -> Any:
        """Return what a script evaluates to."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self) -> bytes:
        """Return what is on the screen as a PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])

    def pdf(self) -> bytes:
        """Return the page as it would be printed."""
        return base64.b64decode(self.send("Page.printToPDF", preferCSSPageSize=True)["data"])

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + _SECONDS
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._back], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise NoChromium(f"Chromium says nothing for {_SECONDS:.0f} s")
            if not (read := os.read(self._back, 1 << 20)):
                raise NoChromium("Chromium ended")
            self._buffer += read
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


@contextmanager
def open_tab(profile: Path, browser: Chromium | None = None) -> Iterator[Tab]:
    """Start the browser with an empty profile, and end it afterwards.

    Raises:
        NoChromium: there is none, or it does not start; the message ends with what it wrote.
    """
    browser = browser or chromium()
    profile.mkdir(exist_ok=True)
    written = profile / "written.txt"
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()

    def inherit() -> None:
        # Chromium reads commands from 3 and answers on 4.
        first, second = os.dup(theirs_in), os.dup(theirs_out)
        os.dup2(first, 3)
        os.dup2(second, 4)

    with written.open("wb") as stderr:
        process = subprocess.Popen(  # noqa: S603 - the package's browser, or the machine's
            [browser.program, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=inherit,  # noqa: PLW1509 - descriptors by number are all that it understands
            close_fds=False,
            env={**os.environ, **browser.variables},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        try:
            tab = Tab(ours_out, ours_in)
        except NoChromium as error:
            said = written.read_text(errors="replace").strip().splitlines()[-1:]
            raise NoChromium(
                f"{browser.program} does not start: {''.join(said) or error}"
            ) from None
        yield tab
    finally:
        process.terminate()
        process.wait()
        os.close(ours_out)
        os.close(ours_in)
