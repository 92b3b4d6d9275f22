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


def check_live_data_are_used(values: Values) -> Iterator[Issue]:
    """Without the port or the service, no program could listen."""
    if not values.get("compat_live_data_enabled"):
        return
    path = ("compat_live_data_enabled",)
    if values.get("compat_mode") == "off":
        hint = "set compat_mode to auto, or remove compat_live_data_enabled"
        yield Issue.at(path, "is not used while compat_mode is off", hint)
    if values.get("proxy_websocket_enabled") is False:
        hint = "set proxy_websocket_enabled: true, or remove compat_live_data_enabled"
        yield Issue.at(path, "is not used while proxy_websocket_enabled is false", hint)


RULES: tuple[Rule, ...] = (check_password, check_password_is_used, check_live_data_are_used)
