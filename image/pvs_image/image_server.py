"""Serve a built card and its manifest over HTTP, to a Raspberry Pi Imager on another computer."""

from __future__ import annotations

import errno
import http.server
import socket
from http import HTTPStatus
from pathlib import Path

from pvs_image import imager_manifest
from pvs_image.errors import ImageError

# An address for documentation (RFC 5737): nothing is sent there, but the kernel chooses a route.
_ANYWHERE = ("192.0.2.1", 9)


class ImageServer(http.server.ThreadingHTTPServer):
    """Serves the files of the manifest, and nothing else of their folder, which has secrets.

    Attributes:
        folder: the folder with the files.
        manifest: the manifest as it was published.
    """

    def __init__(self, folder: Path, address: str, port: int) -> None:
        """Listen.

        Args:
            folder: the folder of a build.
            address: the address to listen on; empty for all.
            port: the port; 0 for any.

        Raises:
            ImageError: the folder has no card, or the port cannot be used.
        """
        self.folder = folder
        try:
            self.manifest = (folder / imager_manifest.MANIFEST).read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise ImageError(f"{folder}/ has no card", "build one: make image") from error
        self.files = {
            f"/{name}": folder / name for name in imager_manifest.file_names(self.manifest)
        }
        for file in self.files.values():
            if not file.is_file():
                raise ImageError(f"{file} does not exist", "build the card again: make image")
        try:
            super().__init__((address, port), _Handler)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise ImageError(
                f"PORT={port} cannot be used: {error.strerror}", "choose another one with PORT="
            ) from error

    def url(self) -> str:
        """Return the manifest's URL, with this computer's address in its network."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(_ANYWHERE)
                host = probe.getsockname()[0]
            except OSError:
                host = "127.0.0.1"
        return f"http://{host}:{self.server_port}/{imager_manifest.MANIFEST}"


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Answers GET and HEAD."""

    server: ImageServer

    def do_GET(self) -> None:
        """Send the manifest or a file."""
        if self.path == f"/{imager_manifest.MANIFEST}":
            self._send_manifest()
        elif self.path in self.server.files:
            super().do_GET()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_HEAD(self) -> None:
        """Send the headers of :meth:`do_GET`."""
        if self.path in self.server.files:
            super().do_HEAD()
        else:
            self.do_GET()

    def translate_path(self, path: str) -> str:
        """Return the file of a path that the server has."""
        return str(self.server.files[path])

    def _send_manifest(self) -> None:
        """Send the manifest, with URLs by which the client has reached this server."""
        host = self.headers.get("Host") or "{}:{}".format(*self.connection.getsockname()[:2])
        body = imager_manifest.moved(self.server.manifest, f"http://{host}").encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
