"""Rules for the ranges of numbers: the only place that compares a number with its limits."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue, Path
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import Rule, Values

PORTS = range(1, 65536)
# Rows and columns of panels on a roof. A PVS has fewer panels than this square.
PLACES = range(1, 41)
# Readings older than ten minutes do not show the current production.
CACHE_SECONDS = range(601)
# Clients give up after ten minutes.
WAIT_SECONDS = range(1, 601)

RANGES = {
    # The journal of one boot needs 8 MiB; a Pi with 512 MiB of memory needs the rest itself.
    "appliance_journal_mib": range(8, 513),
    # Incompressible pages need their full size.
    "appliance_zram_percent": range(10, 101),
    # A reading of yesterday does not show the current production.
    "compat_night_seconds": range(86_401),
    "compat_stale_seconds": range(86_401),
    "firewall_connections_per_minute": range(600, 1_000_001),
    # A run of Ansible without ControlPersist opens a connection for each task.
    "firewall_ssh_connections_per_minute": range(30, 6001),
    "monitor_card_free_mib": range(100_001),
    "monitor_interval_seconds": range(20, 3601),
    "monitor_list_seconds": range(60, 86_401),
    "monitor_pvs_flash_free_mib": range(1001),
    "monitor_signal_dbm": range(-100, -29),
    "monitor_temperature_celsius": range(40, 101),
    "notify_after_minutes": range(1, 1441),
    "notify_daily_limit": range(1, 1001),
    "proxy_cache_seconds": CACHE_SECONDS,
    # One page of the console already needs dozens of requests.
    "proxy_client_requests_per_minute": range(60, 100_001),
    "proxy_pvs_timeout_seconds": WAIT_SECONDS,
    "proxy_queue_length": range(1, 1001),
    "proxy_queue_timeout_seconds": WAIT_SECONDS,
    # Within less than 30 s, a working change would be undone before it is confirmed.
    "rollback_timeout_seconds": range(30, 901),
    "sshd_max_auth_tries": range(1, 21),
}


def check_ports(values: Values) -> Iterator[Issue]:
    """TCP ports are 1 to 65535."""
    for name, port in values.numbers("_port"):
        yield from range_issues((name,), port, PORTS)


def check_timeouts(values: Values) -> Iterator[Issue]:
    """Some programs read 0 as no timeout, others as an immediate one."""
    for name, seconds in values.numbers("_timeout_seconds"):
        if seconds <= 0:
            yield Issue.at((name,), f"must be more than 0 seconds, got {seconds}", "use 1 or more")


def check_ranges(values: Values) -> Iterator[Issue]:
    """Outside of its range, a number is probably a typing error."""
    for name, allowed in RANGES.items():
        number = values.get(name)
        if isinstance(number, int):
            yield from range_issues((name,), number, allowed)


def range_issues(path: Path, number: float, allowed: range) -> Iterator[Issue]:
    """Compare a number with its range.

    Args:
        path: of the number.
        number: the value.
        allowed: all allowed values, in steps of 1.
    """
    low, high = allowed[0], allowed[-1]
    if not low <= number <= high:
        hint = f"use at least {low}" if number < low else f"use at most {high}"
        yield Issue.at(path, f"must be from {low} to {high}, got {number}", hint)


RULES: tuple[Rule, ...] = (check_ports, check_timeouts, check_ranges)
