"""A whole simulator: its box and its ports, alone or inside a test."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from .box import Box
from .certificate import renewed_context, server_context
from .control import ControlServer
from .evil.certificates import present
from .listener import Listener
from .options import Options
from .server import HttpServer
from .websocket import WebSocketServer

if TYPE_CHECKING:
    from typing import Self

T = TypeVar("T")


class Service:
    """The box with its listening ports, inside a running event loop."""

    def __init__(self, options: Options) -> None:
        """Build the box; start() makes it listen."""
        self.options = options
        self.box = Box(options)
        self._listeners: dict[str, Listener] = {}
        self._context: ssl.SSLContext | None = None
        self._changing: asyncio.Task[None] | None = None
        self.box.change_https = self._change_https

    def _change_https(self, *, on: bool, renew: bool) -> None:
        """Close the port of HTTPS, or open it again, for new connections."""
        listener = self._listeners.get("https")
        if listener is None:
            return
        listener.pause()
        if renew:
            self._context = renewed_context()
        if on:
            again = listener.start(self.options.host, listener.port or 0, self._context)
            self._changing = asyncio.ensure_future(again)

    async def start(self) -> None:
        """Listen on every port that is not switched off.

        Raises:
            ListenError: A port is taken or not allowed.
            CertificateError: HTTPS has no certificate.
        """
        options = self.options
        pvs6 = self.box.firmware.has_websocket
        try:
            await self._open("control", ControlServer(self.box), options.control_port)
            await self._open("http", HttpServer(self.box, "http"), options.http_port)
            await self._open("https", HttpServer(self.box, "https"), options.https_port)
            if pvs6:
                await self._open("websocket", WebSocketServer(self.box), options.websocket_port)
        except BaseException:
            await self.stop()
            raise

    async def _open(self, name: str, listener: Listener, port: int | None) -> None:
        if port is None:
            return
        host = self.options.control_host if name == "control" else self.options.host
        if name == "https":
            self._context = server_context(self.options.tls_cert, self.options.tls_key)
            present(self._context, lambda: self.box.settings.evil)
        await listener.start(host, port, self._context if name == "https" else None)
        self._listeners[name] = listener

    async def stop(self) -> None:
        """Close every port and every connection."""
        await asyncio.gather(*(listener.stop() for listener in self._listeners.values()))
        self._listeners.clear()

    def ports(self) -> dict[str, int | None]:
        """Return the actual ports by name (http, https, websocket, control); None if off."""
        names = ("http", "https", "websocket", "control")
        return {n: self._listeners[n].port if n in self._listeners else None for n in names}


class Simulator:
    """A simulator in a thread of its own, for tests.

    Use it as a context manager: it listens inside, and leaves no thread behind.
    """

    def __init__(self, options: Options | None = None) -> None:
        """Prepare a simulator; without options all ports are ephemeral."""
        self.options = options or Options()
        self.ports: dict[str, int | None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._service: Service | None = None
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pvs-sim")

    def __enter__(self) -> Self:
        """Start listening.

        Raises:
            ListenError: A port is taken or not allowed.
            CertificateError: HTTPS has no certificate.
        """
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and wait until everything has ended."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            self._service = Service(self.options)
            await self._service.start()
        except BaseException as error:
            self._failure = error
            self._ready.set()
            return
        self.ports = self._service.ports()
        self._ready.set()
        await self._stop.wait()
        await self._service.stop()

    def call(self, work: Callable[[Box], T]) -> T:
        """Run a function on the box, in the simulator's own thread, and return its result."""
        loop, service = self._loop, self._service
        if loop is None or service is None:
            raise RuntimeError("the simulator is not running: use it in a with statement")

        async def run() -> T:
            return work(service.box)

        return asyncio.run_coroutine_threadsafe(run(), loop).result()

    def change_https(self, *, on: bool = True, renew: bool = False) -> None:
        """Close the port of HTTPS for new connections, or open it, with another certificate."""
        self.call(lambda box: box.change_https(on=on, renew=renew))

    def stats(self) -> dict[str, Any]:
        """Return the counters, without the log."""
        return self.call(lambda box: {**box.describe(), **box.counters.describe()})

    def log(self) -> list[dict[str, Any]]:
        """Return the log of requests."""
        return self.call(lambda box: [record.describe() for record in box.counters.log])

    @property
    def http_url(self) -> str:
        """The PVS by HTTP."""
        return f"http://{self.options.host}:{self.ports['http']}"

    @property
    def https_url(self) -> str:
        """The PVS by HTTPS."""
        return f"https://{self.options.host}:{self.ports['https']}"

    @property
    def websocket_url(self) -> str:
        """The live data."""
        return f"ws://{self.options.host}:{self.ports['websocket']}"

    @property
    def control_url(self) -> str:
        """The control port."""
        return f"http://{self.options.control_host}:{self.ports['control']}"
