"""The text of a file, whatever editor on whatever computer has written it."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from pvs_bridge.errors import IssueError, Location

# Byte order marks, by which an editor declares the encoding.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The first bytes of documents that look like text in their own program.
_DOCUMENTS = (b"{\\rtf", b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0")

_TYPOGRAPHIC = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2018\u2019\u201a\u201b\u2032\u2033"
QUOTES = f"\"'{_TYPOGRAPHIC}"
"""Characters that people put around a value, if they mean quotation marks."""

QUOTE_HINT = "use the quotation marks \" or ', which a plain text editor types"


class UnreadableError(IssueError):
    """A file that cannot be read as text."""


@dataclass(frozen=True)
class Found:
    """A file on the boot partition.

    Attributes:
        name: The name as it is spelled there.
        text: The text without a byte order mark. Line ends are those of the file, but a carriage
            return alone is a line feed.
        plain: Whether the bytes are UTF-8 without a byte order mark, which cloud-init needs.
        guessed: The line of the first character whose encoding was guessed; 0 without one.
        notes: What was unusual about the name.
    """

    name: str
    text: str
    plain: bool = True
    guessed: int = 0
    notes: tuple[str, ...] = ()


def decode(name: str, data: bytes) -> Found:
    """Decode a file.

    Args:
        name: Its name.
        data: Its bytes.

    Raises:
        UnreadableError: It is a document of another program, or not text.
    """
    if data.startswith(_DOCUMENTS):
        raise UnreadableError(
            "must be plain text, got a document of a word processor",
            "save it as plain text, for example with Notepad, or TextEdit with Make Plain Text",
            Location(name),
        )
    mark, encoding = next((each for each in _MARKS if data.startswith(each[0])), (b"", ""))
    body = data[len(mark) :]
    encoding = encoding or _wide(body) or "utf-8"
    guessed = 0
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        if mark or encoding != "utf-8":
            raise _no_text(name) from error
        guessed = data[: error.start].count(b"\n") + 1
        try:
            text = body.decode("cp1252")
        except UnicodeDecodeError:
            raise _no_text(name) from error
    if text.strip("\0 \t\r\n") and "\0" in text:
        raise _no_text(name)
    text = re.sub(r"\r(?!\n)", "\n", text.strip("\0"))
    return Found(name, text, plain=not mark and encoding == "utf-8", guessed=guessed)


def is_typographic(opening: str, closing: str) -> bool:
    """Return whether two quotation marks around a value are not those of a plain text editor."""
    return opening in _TYPOGRAPHIC or closing in _TYPOGRAPHIC


def _no_text(name: str) -> UnreadableError:
    return UnreadableError(
        "must be text, got bytes that are not", "write the file again", Location(name)
    )


def _wide(data: bytes) -> str:
    """Return the encoding of UTF-16 without a byte order mark; empty if it is not that."""
    zeros = [data[start::2].count(0) for start in (0, 1)]
    half = len(data) // 2
    if half and zeros[1] * 2 > half and not zeros[0]:
        return "utf-16-le"
    if half and zeros[0] * 2 > half and not zeros[1]:
        return "utf-16-be"
    return ""
