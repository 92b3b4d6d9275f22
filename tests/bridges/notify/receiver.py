"""A web server that keeps what it gets: `receiver.py PORT FILE STATUS_FILE`.

Each request is a line of JSON in FILE. It answers with the HTTP status in STATUS_FILE, 200 without
that file, and repeats the path, as some services do in their errors.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Receiver(BaseHTTPRequestHandler):
    """Keeps each request."""

    kept: Path
    status: Path

    def do_POST(self) -> None:
        """Keep a request and answer."""
        body = self.rfile.read(int(self.headers["content-length"] or 0)).decode()
        status = int(self.status.read_text()) if self.status.exists() else 200
        with self.kept.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"path": self.path, "body": body, "status": status}) + "\n")
        answer = json.dumps({"error": f"refused {self.path}", "code": status}).encode()
        self.send_response(status)
        self.send_header("content-length", f"{len(answer)}")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def serve(port: int, kept: Path, status: Path) -> ThreadingHTTPServer:
    """Return a server that listens."""
    handler = type("Kept", (Receiver,), {"kept": kept, "status": status})
    return ThreadingHTTPServer(("0.0.0.0", port), handler)  # noqa: S104 - in a test


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])).serve_forever()
