"""One request to the PVS, by way of haproxy, which gives it its turn."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from pvs_bridge.pvs.errors import DamagedError, SilentError

MAX_BODY = 4 * 1024 * 1024  # a whole reading of 60 panels has about 60 kB
_AWAY = (502, 503, 504)
# Some builds hang on an offer of compression; nothing else is the PVS's business either.
_UNSENT = ("Accept", "Accept-Encoding", "User-Agent")


@dataclass(frozen=True)
class Reply:
    """An HTTP answer that has come whole."""

    status: int
    body: bytes


class Pvs:
    """The PVS as far as it is asked."""

    def __init__(self, url: str, socket: str, timeout_seconds: float) -> None:
        """Prepare to ask; needs a running event loop.

        Args:
            url: Of the PVS.
            socket: Of haproxy, which takes the request there; empty: straight to the URL.
            timeout_seconds: How long an answer may take, the wait for its turn included.
        """
        self._url = url
        # The PVS closes idle connections: a request on one that it is about to close gets lost.
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
        )
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()

    async def get(self, target: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Ask for a target, such as /auth?login, exactly as it is written.

        Raises:
            SilentError: There is no answer, or haproxy says that there will be none.
            DamagedError: The answer breaks off, or is no HTTP.
        """
        async with self._turn:
            try:
                reply = await self._get(URL(self._url + target, encoded=True), headers or {})
            except aiohttp.ClientPayloadError:
                raise DamagedError("it broke off") from None
            except aiohttp.ClientConnectionError:
                raise SilentError from None
            except aiohttp.ClientError as error:
                raise DamagedError(f"{type(error).__name__}") from None
            except (TimeoutError, OSError):
                raise SilentError from None
        if reply.status in _AWAY:
            raise SilentError
        return reply

    async def _get(self, url: URL, headers: Mapping[str, str]) -> Reply:
        async with self._http.get(url, headers=headers, allow_redirects=False) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(65536):
                body += chunk
                if len(body) > MAX_BODY:
                    raise DamagedError("it does not end")
            return Reply(response.status, bytes(body))
