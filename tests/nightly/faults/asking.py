"""A program of the home that asks for DeviceList once a second, whatever becomes of its questions.

``asking.py URL`` prints a line of JSON for each question that has an end, by the machine's clock
that only grows. When its input ends, it asks nothing more, and ends with its last question.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

_EVERY_SECONDS = 1.0
# Programs in the field wait longer, but a person who looks at a page has given up by then.
_PATIENCE_SECONDS = 20.0


class Asker:
    """Asks one address; each question has a connection of its own."""

    def __init__(self, url: str) -> None:
        """Take an address such as ``http://bridge/cgi-bin/dl_cgi?Command=DeviceList``."""
        parts = urlsplit(url)
        self._host = str(parts.hostname)
        self._target = f"{parts.path}?{parts.query}"
        self._address = self._host
        self._printing = threading.Lock()

    def ask(self) -> None:
        """Ask once, and print what became of it."""
        began = time.monotonic()
        try:
            said = self._said(began + _PATIENCE_SECONDS)
        except (OSError, http.client.HTTPException) as error:
            said = type(error).__name__
        line = {"began": began, "ended": time.monotonic(), "said": said}
        with self._printing:
            print(json.dumps(line), flush=True)

    def _said(self, deadline: float) -> str:
        connection = http.client.HTTPConnection(self._address_now(), timeout=_PATIENCE_SECONDS)
        try:
            connection.request("GET", self._target, headers={"Host": self._host})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if time.monotonic() > deadline:
            return "TimeoutError"
        if answer.status != http.HTTPStatus.OK:
            return str(answer.status)
        try:
            return str(json.loads(body)["result"])
        except (ValueError, LookupError, TypeError):
            return "damaged"

    def _address_now(self) -> str:
        """The host's address; the last known one while the name does not resolve."""
        try:
            (_, _, _, _, target), *_ = socket.getaddrinfo(self._host, 80, socket.AF_INET)
        except OSError:
            return self._address
        self._address = str(target[0])
        return self._address


def main() -> None:
    """Ask until the input ends."""
    asker = Asker(sys.argv[1])
    over = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    due = time.monotonic()
    while not over.wait(max(0.0, due - time.monotonic())):
        due += _EVERY_SECONDS
        threading.Thread(target=asker.ask).start()


if __name__ == "__main__":
    main()
