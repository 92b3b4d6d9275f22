"""A small client for tests: plain requests, raw bytes, and the control port."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names as sent."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first value of a header, whatever its case."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return found[0] if found else None

    def json(self) -> Any:  # noqa: ANN401 - JSON is anything
        """Return the body as JSON data.

        Raises:
            ValueError: It is not JSON.
        """
        return json.loads(self.body)


def unverified_tls() -> ssl.SSLContext:
    """Return TLS settings that accept the self-signed certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    timeout: float = 10.0,
) -> Answer:
    """Make one request on a connection of its own; `timeout` in seconds.

    Raises:
        OSError: No connection, or it was cut or timed out.
        http.client.HTTPException: What came is not HTTP, or not all of it.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 0
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        tls = unverified_tls()
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=tls)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        target = url.split(parts.netloc, 1)[1] or "/"
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, tuple(response.getheaders()), response.read())
    finally:
        connection.close()


def exchange(port: int, data: bytes, *, timeout: float = 5.0, host: str = "127.0.0.1") -> bytes:
    """Send bytes and return all that comes until the other side closes; timeout in seconds.

    Raises:
        OSError: The connection was reset or timed out.
    """
    with socket.create_connection((host, port), timeout=timeout) as connection:
        connection.sendall(data)
        received = bytearray()
        while chunk := connection.recv(65536):
            received += chunk
    return bytes(received)


class Control:
    """The control port of a simulator, here or elsewhere."""

    def __init__(self, url: str) -> None:
        """Take its address, such as `http://127.0.0.1:8099`."""
        self._url = url

    def get(self, name: str) -> dict[str, Any]:
        """Return `GET /_sim/NAME`.

        Raises:
            RuntimeError: It was refused; the text says why.
        """
        return self._checked(fetch(f"{self._url}/_sim/{name}"))

    def post(self, name: str, **data: object) -> dict[str, Any]:
        """Return `POST /_sim/NAME` with the data as JSON.

        Raises:
            RuntimeError: It was refused; the text says why.
        """
        body = json.dumps(data).encode()
        return self._checked(fetch(f"{self._url}/_sim/{name}", method="POST", body=body))

    def _checked(self, answer: Answer) -> dict[str, Any]:
        data: dict[str, Any] = answer.json()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {data['error']}")
        return data
