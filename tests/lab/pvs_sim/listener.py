"""A listening socket whose connections all end when it stops."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from .wire import MAX_HEAD


class ListenError(Exception):
    """A port cannot be listened on; the text says which, why and what to do."""


class Listener:
    """One listening socket; what it serves is decided by a subclass."""

    def __init__(self) -> None:
        """Listen nowhere yet."""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.port: int | None = None

    async def start(self, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        """Listen; port 0 takes any free one.

        Raises:
            ListenError: The address is taken, unknown or not allowed.
        """
        try:
            self._server = await asyncio.start_server(
                self._accepted, host, port, limit=MAX_HEAD, ssl=context, backlog=256
            )
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            hint = "choose another with the option for this port, or 0 for any free one"
            raise ListenError(f"cannot listen on {host} port {port}: {reason}; {hint}") from error
        self.port = int(self._server.sockets[0].getsockname()[1])

    def pause(self) -> None:
        """Refuse new connections; open ones stay."""
        if self._server is not None:
            self._server.close()

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        # A connection that has just been accepted gets its task only in the next rounds of the
        # loop, and one that is closed lets go of its socket only in the next round.
        for _ in range(3):
            await asyncio.sleep(0.002)
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            # Cancelled by stop(): the connection is closed, and no code awaits this task.
            with contextlib.suppress(asyncio.CancelledError):
                if not self._stopping:
                    await self.serve(reader, writer)
        finally:
            with contextlib.suppress(OSError):
                writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; the caller closes it."""
        raise NotImplementedError
