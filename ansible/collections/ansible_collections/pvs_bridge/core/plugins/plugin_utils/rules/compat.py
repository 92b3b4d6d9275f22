"""Rules for the compat service.

No message contains the password of the PVS's owner.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import Rule, Values

_LONGEST_PASSWORD = 64


def check_password(values: Values) -> Iterator[Issue]:
    """It is sent in an HTTP header."""
    password = values.text("compat_password")
    if not password.isprintable() or len(password) > _LONGEST_PASSWORD:
        yield Issue.at(
            ("compat_password",),
            f"must consist of at most {_LONGEST_PASSWORD} printable characters",
            "write the password of the PVS's owner, or remove it to use the default password",
        )


def check_password_is_used(values: Values) -> Iterator[Issue]:
    """With compat_mode off, no service would use it."""
    if values.get("compat_mode") == "off" and values.text("compat_password"):
        hint = "set compat_mode to auto, or remove the password"
        yield Issue.at(("compat_password",), "is not used while compat_mode is off", hint)


RULES: tuple[Rule, ...] = (check_password, check_password_is_used)
