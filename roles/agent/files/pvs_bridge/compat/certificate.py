"""The PVS's certificate, which no authority has signed: remembered when it is first seen."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pvs_bridge import atomic
from pvs_bridge.pvs.errors import CERTIFICATE_CHANGED


class Certificate:
    """Compares each certificate with the first one, and keeps that over a restart of the Pi."""

    def __init__(self, file: Path) -> None:
        """Start with the stored certificate."""
        self._file = file
        self._first = _stored(file)
        self._last = self._first

    @property
    def changed(self) -> bool:
        """Whether the last certificate is not the first one."""
        return self._last != self._first

    def seen(self, digest: str) -> None:
        """Record the SHA-256 of a certificate, in hexadecimal."""
        if digest == self._last:
            return
        self._last = digest
        if self._first is None:
            self._first = digest
            try:
                atomic.write(self._file, f"{digest}\n".encode(), 0o600)
            except OSError as error:
                # The next start takes the certificate of that time.
                print(f"{self._file}: {error.strerror}", file=sys.stderr, flush=True)
        elif digest != self._first:
            print(CERTIFICATE_CHANGED, file=sys.stderr, flush=True)


def _stored(file: Path) -> str | None:
    try:
        digest = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return digest if re.fullmatch(r"[0-9A-F]{64}", digest) else None
