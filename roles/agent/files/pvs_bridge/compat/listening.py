"""The Unix sockets on which haproxy reaches the service."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path


def listening(path: str) -> socket.socket:
    """Create a socket, in place of one that a crash left.

    Raises:
        OSError: It cannot be created; the error names the file.
    """
    remove(path)
    created = socket.socket(socket.AF_UNIX)
    # The unit sets the group haproxy.
    before = os.umask(0o117)
    try:
        created.bind(path)
    except OSError as error:
        created.close()
        # The original error does not name the file.
        raise OSError(error.errno, error.strerror, path) from None
    finally:
        os.umask(before)
    return created


def remove(path: str) -> None:
    """Remove a socket."""
    with contextlib.suppress(FileNotFoundError):
        Path(path).unlink()
