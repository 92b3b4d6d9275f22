"""Read from an ELF header which processor a program is for."""

from __future__ import annotations

ELF_HEAD_BYTES = 20
_MAGIC = b"\x7fELF"
_MACHINE_AT = 18
_ARM64 = 183


def is_foreign(head: bytes) -> bool:
    """Return whether a file is an ELF program or library for another processor than arm64.

    Args:
        head: the file's first ELF_HEAD_BYTES bytes.
    """
    machine = int.from_bytes(head[_MACHINE_AT:ELF_HEAD_BYTES], "little")
    return len(head) == ELF_HEAD_BYTES and head.startswith(_MAGIC) and machine != _ARM64
