"""A hostile PVS: `--evil KIND` replaces every answer by one that no healthy PVS sends.

The request is received, counted and worked on as usual; only what goes back over the wire differs.
"""

from __future__ import annotations

from .bodies import BODIES
from .certificates import CERTIFICATES
from .chunks import CHUNKS
from .headers import HEADERS
from .kind import Attack, Exchange
from .statuses import STATUSES
from .texts import TEXTS

ATTACKS: dict[str, Attack] = BODIES | CHUNKS | HEADERS | STATUSES | TEXTS
"""What a kind does to an answer."""

KINDS = (*ATTACKS, *CERTIFICATES)
"""Every kind; those of certificates act in :mod:`.certificates`, before there is a request."""

__all__ = ["ATTACKS", "KINDS", "Attack", "Exchange"]
