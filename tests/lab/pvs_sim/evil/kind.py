"""What every kind of hostile answer is made of."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..wire import Request, Response, encode

SERVER = "lighttpd/1.4.51"
JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: lighttpd/1.4.51\r\n"


@dataclass(frozen=True)
class Exchange:
    """A request, and the answer of a healthy PVS.

    Attributes:
        request: As it arrived.
        response: What a healthy PVS would send.
        writer: The connection.
    """

    request: Request
    response: Response
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send bytes as they are.

        Raises:
            ConnectionResetError: The client has left.
        """
        if self.writer.is_closing():
            raise ConnectionResetError
        self.writer.write(data)
        await self.writer.drain()

    async def repeat(self, piece: Callable[[int], bytes]) -> None:
        """Send pieces, each made from its number, until the client leaves.

        Raises:
            ConnectionResetError: The client has left.
        """
        for number in itertools.count():
            await self.send(piece(number))
            # The other connections and the control port go on meanwhile.
            await asyncio.sleep(0)

    async def send_response(self, response: Response) -> None:
        """Send an answer with a correct frame."""
        head, body = encode(self.request, replace(response, close=True), SERVER, "length")
        await self.send(head + body)


Attack = Callable[[Exchange], Awaitable[None]]
"""Sends what goes over the wire; the connection is closed afterwards."""


def changed(change: Callable[[Response], Response]) -> Attack:
    """Return an attack by an answer that is framed correctly."""

    async def attack(exchange: Exchange) -> None:
        await exchange.send_response(change(exchange.response))

    return attack


def raw(*pieces: bytes) -> Attack:
    """Return an attack by fixed bytes."""

    async def attack(exchange: Exchange) -> None:
        for piece in pieces:
            await exchange.send(piece)

    return attack


def endless(start: bytes, piece: Callable[[int], bytes]) -> Attack:
    """Return an attack that ends only when the client leaves."""

    async def attack(exchange: Exchange) -> None:
        await exchange.send(start)
        await exchange.repeat(piece)

    return attack


def leaves(change: Callable[[str, Any, int], Any]) -> Attack:
    """Return an attack that changes each value of the JSON.

    The envelope stays (result, count, session, names of variables), so that the values are read.

    Args:
        change: Gets the key or the variable's name, the value, and a running number.
    """

    def change_body(response: Response) -> Response:
        try:
            data = json.loads(response.body)
        except ValueError:
            return response
        return replace(response, body=json.dumps(_walk(data, change, itertools.count())).encode())

    return changed(change_body)


_ENVELOPE = ("result", "count", "session", "name", "DEVICE_TYPE", "ISDETAIL")


def _walk(
    value: Any,  # noqa: ANN401 - JSON
    change: Callable[[str, Any, int], Any],
    numbers: Iterator[int],
    key: str = "",
) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_walk(each, change, numbers, key) for each in value]
    if not isinstance(value, dict):
        return change(key, value, next(numbers))
    if "value" in value and isinstance(value.get("name"), str):
        return {**value, "value": change(value["name"], value["value"], next(numbers))}
    return {
        name: each if name in _ENVELOPE else _walk(each, change, numbers, name)
        for name, each in value.items()
    }
