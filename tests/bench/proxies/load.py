"""The programs of a home, as a process of its own: whatever else runs takes no time from it.

usage: load.py PLAN

PLAN is JSON: ``kind`` names a function of this file, the rest are its arguments. What the function
returns is printed as JSON. It needs nothing but Python, so that it starts at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import json
import socket
import ssl
import sys
import time
from collections.abc import Callable
from typing import Any

_CHUNK = 65_536

Exchange = dict[str, Any]
"""One question: the ``seconds`` that it took, when its answer has ``arrived`` by the monotonic
clock, ``status`` (0: none), ``problem`` (empty: none), and the PVS's time in it as ``stamp``."""


class Answer:
    """An HTTP answer as it arrives.

    Attributes:
        status: its status; 0 until it is known.
    """

    def __init__(self) -> None:
        """Wait for the first byte."""
        self.status = 0
        self._data = bytearray()
        self._size: int | None = None

    def take(self, chunk: bytes) -> bool:
        """Add what has arrived; return whether the answer is whole.

        Raises:
            ValueError: this is not HTTP.
        """
        self._data += chunk
        if not self.status:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = bytes(self._data[:end]).split(b"\r\n")
            _, status, *_ = head[0].split(b" ")
            self.status = int(status)
            for line in head[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    self._size = end + 4 + int(value)
        return self._size is not None and len(self._data) >= self._size

    def stamp(self) -> str:
        """The PVS's time at the head of a DeviceList; empty where there is none."""
        _, found, rest = bytes(self._data).partition(b'"CURTIME": "')
        return rest.partition(b'"')[0].decode() if found else ""

    def ended(self) -> str:
        """The connection was closed; return what is wrong with the answer, or nothing."""
        if not self.status:
            return "no answer"
        return "" if self._size is None else "the answer broke off"


def request(host: str, target: str) -> bytes:
    """The bytes of a question."""
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bench\r\n\r\n".encode()


async def _ask(place: tuple[str, int], source: str, question: bytes, answer: Answer) -> str:
    """Ask on a connection of its own; return what went wrong, or nothing."""
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.bind((source, 0))
        await loop.sock_connect(connection, place)
        await loop.sock_sendall(connection, question)
        while chunk := await loop.sock_recv(connection, _CHUNK):
            if answer.take(chunk):
                return ""
    return answer.ended()


async def _timed(
    place: tuple[str, int], source: str, target: str, patience_seconds: float
) -> Exchange:
    """Ask, and say how that went."""
    answer, started = Answer(), time.monotonic()
    try:
        async with asyncio.timeout(patience_seconds):
            problem = await _ask(place, source, request(place[0], target), answer)
    except (OSError, ValueError) as error:
        problem = type(error).__name__
    arrived = time.monotonic()
    return {
        "seconds": arrived - started,
        "arrived": arrived,
        "status": answer.status,
        "problem": problem,
        "stamp": answer.stamp(),
    }


async def _poll(
    place: tuple[str, int], beat: dict[str, Any], patience_seconds: float
) -> list[Exchange]:
    """Ask at each moment of a beat; one that passes while an answer is awaited is left out."""
    began, done = time.monotonic(), []
    for moment, following in itertools.pairwise([*beat["moments"], float("inf")]):
        now = time.monotonic() - began
        if now >= following:
            continue
        await asyncio.sleep(max(0.0, moment - now))
        done.append(await _timed(place, beat["source"], beat["target"], patience_seconds))
    return done


def poll(
    host: str, port: int, beats: list[dict[str, Any]], patience_seconds: float
) -> list[Exchange]:
    """Have programs ask, each to its own beat.

    Args:
        host: where to ask.
        port: where to ask.
        beats: for each program its ``source`` address, ``target`` and ``moments`` in seconds.
        patience_seconds: how long a program waits for an answer.
    """

    async def all_of_them() -> list[list[Exchange]]:
        return await asyncio.gather(
            *(_poll((host, port), each, patience_seconds) for each in beats)
        )

    return [exchange for program in asyncio.run(all_of_them()) for exchange in program]


def sequence(
    addresses: dict[str, tuple[str, int]],
    target: str,
    source: str,
    rounds: int,
    count: int,
    keep_alive: bool,
    encrypted: bool = False,
) -> dict[str, list[float]]:
    """Ask one thing again and again, in rounds that go from proxy to proxy.

    Args:
        addresses: by name, where each proxy listens.
        target: what to ask.
        source: the program's own address.
        rounds: how often each proxy gets its turn.
        count: how many questions a turn has.
        keep_alive: on one connection a turn, not on one a question.
        encrypted: by TLS.

    Returns:
        the seconds of all of a proxy's answers, by its name.

    Raises:
        RuntimeError: an answer was none.
    """
    seconds: dict[str, list[float]] = {name: [] for name in addresses}
    for _ in range(rounds):
        for name, (host, port) in addresses.items():
            question, place = request(host, target), (host, port)
            # no measurement: all get warm
            _take_turn(question, place, source, 2, keep_alive, encrypted)
            seconds[name] += _take_turn(question, place, source, count, keep_alive, encrypted)
    return seconds


def _connect(place: tuple[str, int], source: str, encrypted: bool) -> socket.socket:
    connection = socket.create_connection(place, 30, (source, 0))
    if not encrypted:
        return connection
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(connection)


def _take_turn(
    question: bytes,
    place: tuple[str, int],
    source: str,
    count: int,
    keep_alive: bool,
    encrypted: bool,
) -> list[float]:
    took = []
    with contextlib.ExitStack() as stack:
        connection = None
        for _ in range(count):
            started = time.perf_counter()
            if connection is None or not keep_alive:
                stack.close()
                connection = stack.enter_context(_connect(place, source, encrypted))
            connection.sendall(question)
            answer = Answer()
            while not answer.take(chunk := connection.recv(_CHUNK)):
                if not chunk:
                    raise RuntimeError(f"{place}: {answer.ended()}")
            took.append(time.perf_counter() - started)
            if answer.status != 200:
                raise RuntimeError(f"{place} answers {answer.status}")
    return took


def main() -> None:
    """Carry out the plan of the command line."""
    gc.disable()
    kinds: dict[str, Callable[..., Any]] = {"poll": poll, "sequence": sequence}
    plan = json.loads(sys.argv[1])
    json.dump(kinds[plan.pop("kind")](**plan), sys.stdout)


if __name__ == "__main__":
    main()
