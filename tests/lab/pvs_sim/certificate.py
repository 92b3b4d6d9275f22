"""The self-signed certificate, made by the openssl command."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path


class CertificateError(Exception):
    """There is no certificate to be had; the text says why and what to do."""


@lru_cache(maxsize=1)
def _first() -> tuple[bytes, bytes]:
    """Make a certificate and its key once in the life of the process."""
    return _self_signed()


def _self_signed() -> tuple[bytes, bytes]:
    """Make a certificate and its key, as a PVS does."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise CertificateError(
            "HTTPS needs the openssl command to make its certificate: install openssl, "
            "give --tls-cert and --tls-key, or switch HTTPS off with --https-port off"
        )
    with tempfile.TemporaryDirectory() as folder:
        cert, key = Path(folder, "cert.pem"), Path(folder, "key.pem")
        command = [
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-days", "3650", "-subj", "/CN=pvs.local",
            "-keyout", str(key), "-out", str(cert),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CertificateError(
                f"openssl could not make a certificate: {done.stderr.strip()}; "
                "give --tls-cert and --tls-key, or switch HTTPS off with --https-port off"
            )
        return cert.read_bytes(), key.read_bytes()


def server_context(cert: str | None, key: str | None) -> ssl.SSLContext:
    """Return the TLS settings of the PVS, with the given or a fresh certificate.

    Raises:
        CertificateError: There is no certificate to be had.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if cert is not None and key is not None:
        try:
            context.load_cert_chain(cert, key)
        except (OSError, ssl.SSLError) as error:
            raise CertificateError(
                f"cannot use --tls-cert {cert} with --tls-key {key}: {error}; "
                "give a certificate and its key in PEM form"
            ) from error
        return context
    return _context(_first())


def renewed_context() -> ssl.SSLContext:
    """Return the TLS settings of the PVS, with another self-signed certificate.

    Raises:
        CertificateError: There is no certificate to be had.
    """
    return _context(_self_signed())


def _context(made: tuple[bytes, bytes]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "cert.pem"), Path(folder, "key.pem")
        for path, content in zip(paths, made, strict=True):
            path.touch(mode=0o600)
            path.write_bytes(content)
        context.load_cert_chain(*paths)
    return context
