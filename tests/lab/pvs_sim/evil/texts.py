"""Texts in every field: markup, control characters, more than a line, letters that reverse."""

from __future__ import annotations

from typing import Any

from .kind import Attack, leaves

MARKUP = (
    "<script>document.title='evil'</script>",
    "<img id=evil src=x onerror=\"document.title='evil'\">",
    "\"><svg id='evil' onload=\"document.title='evil'\">",
    "javascript:document.title='evil'",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "'; DROP TABLE panels; --",
    "</style><style id=evil>*{display:none}</style>",
    '"} 1\npvs_bridge_evil{a="',
)
CONTROL = ("\x1b[2J\x1b[31mevil", "a\r\nSet-Cookie: evil=1", "\x00evil", "\x7f\x9b31m", "a\tb\x0bc",
           "\u202eevil\u2066", "\ud800", "\ufeff\u200b", "\n" * 50)  # fmt: skip


def _numbers_stay(texts: tuple[str, ...]) -> Attack:
    """Replace all texts that are not numbers, so that the device is still read as one."""

    def change(_key: str, value: Any, number: int) -> Any:  # noqa: ANN401 - JSON
        if not isinstance(value, str) or _is_number(value):
            return value
        return texts[number % len(texts)]

    return leaves(change)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


TEXTS: dict[str, Attack] = {
    "text-markup": _numbers_stay(MARKUP),
    "text-control": _numbers_stay(CONTROL),
    "text-long": _numbers_stay(("x" * 100_000, "\u00e4" * 5000, "a b " * 3000)),
    "text-everywhere": leaves(lambda _key, _value, number: (*MARKUP, *CONTROL)[number % 17]),
}
