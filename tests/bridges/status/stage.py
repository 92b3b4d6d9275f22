"""A server for the page and its document, with the clock of the scene."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from unit.monitor.monitored import MonitoredBridge

from proxy_rig.haproxy import PAGE
from pvs_bridge.status.document import Documents, Sources
from pvs_bridge.status.history import History


class Stage:
    """A server that shows one scene at a time.

    Attributes:
        url: The address of the page.
        scene: The bridge that is shown; None while the service does not answer.
        fixed: A document that is shown in place of a scene.
        later_seconds: The time between the last run of the monitor and now.
        live: The message that the page hears again and again; None without live data.
    """

    def __init__(self, url: str) -> None:
        """Start without a scene."""
        self.url = url
        self.scene: MonitoredBridge | None = None
        self.fixed: bytes | None = None
        self.later_seconds = 20
        self.live: bytes | None = None

    def answer(self, path: str) -> bytes | None:
        """Return the answer to a request of the page."""
        path, _, query = path.partition("?")
        if path == "/bridge/status.json":
            return self.document()
        if path != "/bridge/history.json":
            return PAGE.read_bytes()
        if self.scene is None:
            return None
        history = History(self.scene.paths.history)
        wall = self.scene.now + (self.scene.clock_offset or 0)
        found = history.detail(query.removeprefix("of=")) if query else history.summary(wall)
        return found.encode() if found else None

    def document(self) -> bytes | None:
        """Return the document some time after the last run of the monitor."""
        scene = self.scene
        if self.fixed is not None or scene is None:
            return self.fixed
        system = scene.paths.root / "os-release"
        system.write_text('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n')
        sources = Sources(scene.paths.state, scene.paths.events, system)
        now = scene.now + self.later_seconds
        documents = Documents(sources, has_live_data=self.live is not None)
        return json.dumps(documents.make(now, (scene.clock_offset or 0) + now)).encode()


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Serve until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/bridge/live":
                with contextlib.suppress(OSError):
                    self.tell_live()
                return
            is_data = ".json" in self.path
            body = shown.answer(self.path)
            self.send_response(503 if body is None else 200)
            self.send_header("Content-Type", "application/json" if is_data else "text/html")
            self.end_headers()
            self.wfile.write(body or b'{"error": "no scene"}')

        def tell_live(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            while shown.live is not None:
                self.wfile.write(b"data: %b\n\n" % shown.live)
                time.sleep(0.1)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shown = Stage(f"http://127.0.0.1:{server.server_port}/bridge/")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield shown
        finally:
            server.shutdown()
            thread.join()
