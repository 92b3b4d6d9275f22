"""Certificates of the HTTPS port: expired, another for each connection, of another name."""

from __future__ import annotations

import ssl
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

CERTIFICATES: dict[str, tuple[str, str]] = {
    # The oldest end that openssl 3.0 writes.
    "certificate-expired": ("/CN=pvs.local", "-1"),
    "certificate-changed": ("/CN=pvs.local", "3650"),
    "certificate-other-name": ("/CN=evil.example/O=<script>alert(1)<\\/script>", "3650"),
}
"""By kind: subject, and days until the end."""


def present(context: ssl.SSLContext, kind: Callable[[], str | None]) -> None:
    """Let a port present the certificate of the kind that is set at the time of a connection."""

    def choose(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        chosen = kind()
        if chosen in CERTIFICATES:
            changing = chosen == "certificate-changed"
            connection.context = _make(chosen) if changing else _kept(chosen)

    context.sni_callback = choose


@cache
def _kept(kind: str) -> ssl.SSLContext:
    return _make(kind)


def _make(kind: str) -> ssl.SSLContext:
    """Make a key and a certificate.

    Raises:
        CalledProcessError: openssl failed.
    """
    subject, days = CERTIFICATES[kind]
    with tempfile.TemporaryDirectory() as folder:
        key, request, cert = (Path(folder, name) for name in ("key.pem", "request.pem", "cert.pem"))
        new = ("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-subj", subject, "-keyout", key, "-out", request)  # fmt: skip
        sign = ("x509", "-req", "-in", request, "-signkey", key, "-days", days, "-out", cert)
        for words in (new, sign):
            subprocess.run(["openssl", *words], capture_output=True, check=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return context
