"""Chromium, driven by its own driver over HTTP: as much of WebDriver as a look at a page needs."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from typing import Any

_PATIENCE_SECONDS = 60
# Nothing of it may look for anything beyond this machine.
_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


class Browser:
    """One window."""

    def __init__(self, driver: str, session: str) -> None:
        """Take a session that was begun.

        Args:
            driver: the driver's address.
            session: its number.
        """
        self._base = f"{driver}/session/{session}"

    def dress(self, width: int, height: int, scheme: str) -> None:
        """Make the window this large, in this scheme of colours: ``light`` or ``dark``."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self._devtools("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._devtools("Emulation.setEmulatedMedia", {"features": features})

    def open_and_count(self, url: str) -> None:
        """Load a page, and count how long its processor works for it."""
        self._devtools("Performance.enable", {"timeDomain": "threadTicks"})
        self.open(url)

    @property
    def worked_seconds(self) -> float:
        """How long it has worked so far; other programs of this machine do not lengthen this."""
        metrics = self._devtools("Performance.getMetrics", {})["metrics"]
        return float({each["name"]: each["value"] for each in metrics}["TaskDuration"])

    def slow_down(self, times: float) -> None:
        """Make the page's processor slower; 1 for its full speed."""
        self._devtools("Emulation.setCPUThrottlingRate", {"rate": times})

    def open(self, url: str) -> None:
        """Load a page."""
        _post(f"{self._base}/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:  # noqa: ANN401 - whatever the script returns
        """Run the body of a function in the page, and return what it returns."""
        return _post(f"{self._base}/execute/sync", {"script": script, "args": list(arguments)})

    def wait_for(self, script: str) -> Any:  # noqa: ANN401 - any JSON
        """Run the body of a function in the page, and return what it gives to ``done``."""
        body = f"const done = arguments[0]; {script}"
        return _post(f"{self._base}/execute/async", {"script": body, "args": []})

    def picture(self) -> bytes:
        """Return what the window shows, as PNG."""
        options = {"format": "png", "optimizeForSpeed": False}
        return base64.b64decode(self._devtools("Page.captureScreenshot", options)["data"])

    def _devtools(self, command: str, parameters: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        return _post(f"{self._base}/goog/cdp/execute", {"cmd": command, "params": parameters})


def _post(url: str, values: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    request = urllib.request.Request(url, json.dumps(values).encode())  # noqa: S310 - our own
    with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310
        return json.load(answer)["value"]


@contextlib.contextmanager
def browser(zone: str) -> Iterator[Browser]:
    """Start Chromium, in a time zone and with a profile of its own.

    Raises:
        AssertionError: the driver did not start; what it said is in the message.
    """
    with tempfile.TemporaryDirectory(prefix="pvs-bridge-", ignore_cleanup_errors=True) as profile:
        environment = {**os.environ, "TZ": zone, "LANG": "en_US.UTF-8", "HOME": profile}
        with subprocess.Popen(
            ["chromedriver", "--port=0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        ) as driver:  # fmt: skip
            try:
                address = f"http://127.0.0.1:{_port(driver)}"
                options = {"args": [*_ARGUMENTS, f"--user-data-dir={profile}/profile"]}
                wanted = {"alwaysMatch": {"goog:chromeOptions": options}}
                session = _post(f"{address}/session", {"capabilities": wanted})["sessionId"]
                try:
                    yield Browser(address, session)
                finally:
                    end = urllib.request.Request(  # noqa: S310 - our own
                        f"{address}/session/{session}", method="DELETE"
                    )
                    urllib.request.urlopen(end, timeout=_PATIENCE_SECONDS).close()  # noqa: S310
            finally:
                driver.terminate()


def _port(driver: subprocess.Popen[str]) -> int:
    said = []
    for line in driver.stdout or ():
        said.append(line)
        if "on port" in line and line.startswith("ChromeDriver was started"):
            return int(line.rstrip(".\n").rpartition(" ")[2])
    raise AssertionError("".join(said))
