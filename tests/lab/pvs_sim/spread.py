"""Numbers that look random and are not: the same seed and keys always give the same number."""

from __future__ import annotations

import hashlib


def spread(*keys: object) -> float:
    """Return a number in [0, 1) that depends on the keys alone."""
    text = "\x1f".join(str(key) for key in keys)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def spread_between(low: float, high: float, *keys: object) -> float:
    """Return a number in [low, high) that depends on the keys alone."""
    return low + (high - low) * spread(*keys)


def digits(count: int, *keys: object) -> str:
    """Return `count` decimal digits that depend on the keys alone."""
    return str(int(spread(*keys) * 10**count)).zfill(count)


def hexadecimal(count: int, *keys: object) -> str:
    """Return `count` (at most 128) hexadecimal digits that depend on the keys alone."""
    text = "\x1f".join(str(key) for key in keys)
    return hashlib.blake2b(text.encode()).hexdigest()[:count]
