"""Cross-checks of what translates the PVS's newer API into the older one.

No message holds the password of the PVS's owner.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.findings import Fault
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import CrossCheck, Values

# A day: what is older tells nothing of today's sun.
_STALE_SECONDS = range(86_401)
_LONGEST_PASSWORD = 64


def a_stale_reading_has_its_end(values: Values) -> Iterator[Fault]:
    """The last reading bridges a restart of the PVS, and is not its replacement."""
    name = "compat_stale_seconds"
    seconds = values.get(name)
    if isinstance(seconds, int) and seconds not in _STALE_SECONDS:
        span = f"{_STALE_SECONDS[0]} to {_STALE_SECONDS[-1]}"
        yield Fault((name,), f"{seconds} is not within {span}", f"write seconds, {span}")


def the_owner_s_password_can_be_sent(values: Values) -> Iterator[Fault]:
    """It goes into a header of HTTP."""
    name = "compat_password"
    password = values.text(name)
    if not password.isprintable() or len(password) > _LONGEST_PASSWORD:
        problem = f"is not a password of printable characters, at most {_LONGEST_PASSWORD}"
        hint = (
            "write the one with which the PVS's owner logs in, or leave it out if it is the usual"
        )
        yield Fault((name,), problem, hint)


def there_is_something_to_log_in_with(values: Values) -> Iterator[Fault]:
    """Whoever gives a password expects that it is used."""
    if values.get("compat_mode") == "off" and values.text("compat_password"):
        problem = "is not used while compat_mode is off"
        yield Fault(
            ("compat_password",), problem, "set compat_mode to auto, or remove the password"
        )


CHECKS: tuple[CrossCheck, ...] = (
    a_stale_reading_has_its_end,
    the_owner_s_password_can_be_sent,
    there_is_something_to_log_in_with,
)
