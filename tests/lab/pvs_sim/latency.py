"""How long the PVS takes."""

from __future__ import annotations

from .options import Settings

SHORT_SECONDS = 0.15
VARSERVER_SECONDS = 0.05
_PER_PANEL = (9.5 - 6.5) / (37 - 24)
_BASE = 6.5 - 24 * _PER_PANEL


def cgi_seconds(settings: Settings, panels: int, *, slow: bool) -> float:
    """Return how long a command of the old API takes; `slow` if it lists all devices."""
    whole = _BASE + _PER_PANEL * panels
    if settings.latency_seconds is not None:
        whole = settings.latency_seconds
    return (whole if slow else min(SHORT_SECONDS, whole)) * settings.latency_scale


def devices_list_seconds(settings: Settings) -> float:
    """Return how long devices/list takes on locked firmware."""
    fixed = settings.latency_seconds
    return (settings.devices_list_seconds if fixed is None else fixed) * settings.latency_scale


def varserver_seconds(settings: Settings) -> float:
    """Return how long a request of the new API takes."""
    fixed = settings.latency_seconds
    whole = VARSERVER_SECONDS if fixed is None else min(VARSERVER_SECONDS, fixed)
    return whole * settings.latency_scale
