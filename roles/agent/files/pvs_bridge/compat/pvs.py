"""Requests to the PVS through haproxy, which queues them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from pvs_bridge.compat.certificate import Certificate
from pvs_bridge.pvs.errors import DamagedError, SilentError

MAX_BODY = 4 * 1024 * 1024  # a whole reading of 60 panels has about 60 kB
_AWAY = (502, 503, 504)
CERTIFICATE_HEADER = "X-Pvs-Bridge-Certificate"
# Some builds hang on Accept-Encoding; the PVS does not need the other two.
_UNSENT = ("Accept", "Accept-Encoding", "User-Agent")


@dataclass(frozen=True)
class Reply:
    """A complete HTTP response.

    Attributes:
        certificate: The SHA-256 of the PVS's certificate, if haproxy has asked by HTTPS.
        age_seconds: How long ago the PVS has sent it, if haproxy had it.
    """

    status: int
    body: bytes
    certificate: str | None = None
    age_seconds: float = 0.0


class Pvs:
    """An HTTP client of the PVS."""

    def __init__(
        self, url: str, socket: str, timeout_seconds: float, certificate: Certificate
    ) -> None:
        """Create the client; needs a running event loop.

        Args:
            url: The URL of the PVS.
            socket: The Unix socket of haproxy; empty: connect to the URL directly.
            timeout_seconds: The timeout of a request, with its time in the queue.
            certificate: Gets the certificate of each response.
        """
        self._certificate = certificate
        self._url = url
        # The PVS closes idle connections, and a request on such a connection gets lost.
        connector: aiohttp.BaseConnector = (
            aiohttp.UnixConnector(path=socket, force_close=True)
            if socket
            else aiohttp.TCPConnector(force_close=True)
        )
        self._http = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=timeout_seconds),
            skip_auto_headers=_UNSENT,
            # A compressed answer was not asked for, and a small one can unpack to gigabytes.
            auto_decompress=False,
        )
        self._one_request = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def get(self, target: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Request a target, such as /auth?login, without changing its encoding.

        Raises:
            SilentError: The PVS does not answer, or haproxy returns 502, 503 or 504.
            DamagedError: The response is incomplete, or not HTTP.
        """
        async with self._one_request:
            try:
                reply = await self._get(URL(self._url + target, encoded=True), headers or {})
            except aiohttp.ClientPayloadError:
                raise DamagedError("it is incomplete") from None
            except aiohttp.ClientConnectionError:
                raise SilentError from None
            except aiohttp.ClientError as error:
                raise DamagedError(f"{type(error).__name__}") from None
            except (TimeoutError, OSError):
                raise SilentError from None
        if reply.certificate is not None:
            self._certificate.seen(reply.certificate)
        if reply.status in _AWAY:
            raise SilentError
        return reply

    async def _get(self, url: URL, headers: Mapping[str, str]) -> Reply:
        async with self._http.get(url, headers=headers, allow_redirects=False) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(65536):
                body += chunk
                if len(body) > MAX_BODY:
                    raise DamagedError("it is too long")
            age = response.headers.get("Age", "")
            return Reply(
                response.status,
                bytes(body),
                response.headers.get(CERTIFICATE_HEADER),
                float(age) if re.fullmatch("[0-9]{1,9}", age) else 0.0,
            )
