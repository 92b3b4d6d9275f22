"""Who may log into the Pi: public keys of OpenSSH, read from files."""

from __future__ import annotations

import base64
import binascii
import itertools
import struct
from collections.abc import Sequence
from pathlib import Path

from pvs_image.errors import ImageError

_HINT = "name the public one, such as KEY=$HOME/.ssh/id_ed25519.pub"


def authorized_keys(files: Sequence[Path], home: Path) -> str:
    """Return the text of an authorized_keys file.

    Args:
        files: with public keys; none for all of the person's own.
        home: the person's own folder.

    Raises:
        ImageError: a file cannot be read or holds something else, or there is no key at all.
    """
    chosen = list(files) or sorted((home / ".ssh").glob("*.pub"))
    lines = [line for file in chosen for line in _keys(file)]
    if not lines:
        raise ImageError(
            f"there is no public key in {home / '.ssh'}, and without one nobody gets into the Pi",
            "make one with `ssh-keygen -t ed25519`, or name a file by KEY=",
        )
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _keys(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ImageError(f"KEY={file} cannot be read: {said}", _HINT) from None
    # A private key must not get onto a card by a slip.
    if "PRIVATE KEY" in text:
        raise ImageError(f"KEY={file} is a private key", _HINT)
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    for number, line in enumerate(lines, start=1):
        if not _is_key(line):
            raise ImageError(f"KEY={file}: key {number} in it is no public key of OpenSSH", _HINT)
    return lines


def _is_key(line: str) -> bool:
    """Tell whether one of the first words is a kind of key that the next word, decoded, is of."""
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
