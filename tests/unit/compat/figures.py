"""A fake statistics socket of haproxy, in the real format, with counters that a test sets."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

_HEAD = "# pxname,svname,qcur,status,chkdown,hrsp_4xx,\n"


class Figures:
    """Counters of haproxy."""

    def __init__(self) -> None:
        """Start with a working PVS."""
        self.refusals = 0
        self.failures = 0
        self.status = "UP"

    def text(self) -> str:
        """Return them as haproxy does, with an empty line after the answer to each command."""
        pvs = f"{_HEAD}pvs,BACKEND,0,UP,,{self.refusals},\n\n"
        return f"{pvs}{_HEAD}pvs_queue,pvs_serial,0,{self.status},{self.failures},0,\n\n"


@contextlib.contextmanager
def served(path: Path) -> Iterator[Figures]:
    """Serve counters on a socket."""
    figures = Figures()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if b"show stat" in self.rfile.readline():
                self.wfile.write(figures.text().encode())

    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield figures
        finally:
            server.shutdown()
            thread.join()
