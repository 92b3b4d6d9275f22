"""Read OpenSSH public keys, for the Pi's authorized_keys file."""

from __future__ import annotations

import base64
import binascii
import itertools
import struct
from collections.abc import Sequence
from pathlib import Path

from pvs_image.errors import ImageError

_HINT = "name a public key, such as KEY=$HOME/.ssh/id_ed25519.pub"


def authorized_keys(files: Sequence[Path], home: Path) -> str:
    """Return the text of an authorized_keys file.

    Args:
        files: public key files; empty for all of the user's own.
        home: the user's home folder.

    Raises:
        ImageError: a file is unreadable or not a public key, or there is no key at all.
    """
    chosen = list(files) or sorted((home / ".ssh").glob("*.pub"))
    lines = [line for file in chosen for line in _keys(file)]
    if not lines:
        raise ImageError(
            f"{home / '.ssh'} has no public key, and without one the Pi allows no login",
            "make one with `ssh-keygen -t ed25519`, or name a file with KEY=",
        )
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _keys(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ImageError(f"KEY={file} cannot be read: {reason}", _HINT) from None
    # A private key must not get onto a card by mistake.
    if "PRIVATE KEY" in text:
        raise ImageError(f"KEY={file} is a private key", _HINT)
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    for number, line in enumerate(lines, start=1):
        if not _is_key(line):
            raise ImageError(f"KEY={file}: key {number} is not an OpenSSH public key", _HINT)
    return lines


def _is_key(line: str) -> bool:
    """Return whether a word names a key type that the next, base64-encoded word starts with."""
    words = line.split()
    for kind, encoded in itertools.pairwise(words):
        try:
            blob = base64.b64decode(encoded, validate=True)
            (length,) = struct.unpack_from(">I", blob)
        except (binascii.Error, struct.error, ValueError):
            continue
        if blob[4 : 4 + length] == kind.encode():
            return True
    return False
