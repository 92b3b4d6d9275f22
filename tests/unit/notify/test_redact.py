"""No text shows a part of a URL."""

from __future__ import annotations

import urllib.parse

import hypothesis
import pytest
from hypothesis import strategies

from pvs_bridge.notify.redact import HIDDEN, redact


@pytest.mark.parametrize(
    ("text", "url", "shown"),
    [
        (
            "Failed to send ntfy notification to topic 'roof-7Hq2': Forbidden",
            "ntfy://roof-7Hq2",
            "Failed to send ntfy notification to topic '***': Forbidden",
        ),
        (
            "/bot123456:AA-bb_cc/sendMessage (chat 987654)",
            "tgram://123456:AA-bb_cc/987654",
            "/bot***:***/sendMessage (chat ***)",
        ),
        ("login as sun@home failed", "mailtos://u:p%40ss@mail.example.org?to=sun@home",
         "login as ***@*** failed"),
        ("p@ss is wrong", "mailtos://user:p%40ss@mail.example.org", "*** is wrong"),
        ("cannot load mailtos://***:m...t@x ", "mailtos://u:met@x", "cannot load ***"),
        ("two\nlines", "json://host", "two lines"),
    ],
)  # fmt: skip
def test_parts_of_the_url_are_hidden(text: str, url: str, shown: str) -> None:
    assert redact(text, url) == shown


_SECRET = strategies.text("abcXYZ012-_.!~*+ %/@", min_size=3, max_size=30).filter(
    lambda text: text.strip("/@ ") == text and HIDDEN not in text
)


@hypothesis.given(_SECRET, _SECRET)
def test_a_password_is_hidden_in_each_spelling(secret: str, other: str) -> None:
    quoted = urllib.parse.quote(secret, safe="")
    url = f"json://user:{quoted}@example.org/{urllib.parse.quote(other, safe='')}"
    shown = redact(f"[{quoted}] [{url}] example.org user", url)
    assert quoted not in shown or len(secret) < 3
    assert "example.org" not in shown
    assert "user" not in shown
