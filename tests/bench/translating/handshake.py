"""How long a TLS handshake takes, with a certificate as the bridge makes it."""

from __future__ import annotations

import ssl
import statistics
import tempfile
import time
from pathlib import Path

from pvs_bridge.proxy.certificate import create

_HANDSHAKES = 50


def handshake_ms() -> float:
    """Return the median time of a full handshake in ms: both sides, without a network."""
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder) / "pem"
        create(pem, ["bridge"])
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(pem)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Programs for a PVS do not check its certificate.
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    return statistics.median(_shake(client, server) for _ in range(_HANDSHAKES)) * 1000


def _shake(client: ssl.SSLContext, server: ssl.SSLContext) -> float:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    began = time.perf_counter()
    waiting = [
        client.wrap_bio(to_client, to_server, server_hostname="bridge"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
    return time.perf_counter() - began
