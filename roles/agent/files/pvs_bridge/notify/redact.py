"""Remove the parts of a URL from a text: in URLs of apprise, any part may be a password."""

from __future__ import annotations

import re
import urllib.parse

HIDDEN = "***"
_SHORTEST = 3
_LONGEST_TEXT = 300
_URL = re.compile(r"\S+://\S*")
_SEPARATORS = re.compile(r"[/:@?&=,;#\s]+")


def redact(text: str, url: str) -> str:
    """Return a text without any part of a URL but its scheme, and on one line."""
    # apprise hides passwords in URLs, and keeps their first and last letter.
    text = _URL.sub(HIDDEN, text)
    rest = url.partition("://")[2]
    pieces = {rest, *_SEPARATORS.split(rest), *_SEPARATORS.split(urllib.parse.unquote(rest))}
    # A password may have separators that are quoted.
    pieces |= {urllib.parse.unquote_plus(each) for each in pieces}
    for piece in sorted(pieces, key=len, reverse=True):
        if len(piece) >= _SHORTEST:
            for spelling in {piece, urllib.parse.quote(piece, safe="")}:
                text = text.replace(spelling, HIDDEN)
    return " ".join(text.split())[:_LONGEST_TEXT]
