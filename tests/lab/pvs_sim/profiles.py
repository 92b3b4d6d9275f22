"""The grid profiles that a PVS can be set to: a long list, as on the real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .spread import hexadecimal, spread_between

_UTILITIES = ("Coastal Light", "Prairie Electric", "Granite Power", "Bay Municipal", "Mesa Co-op")
_CURVES = ("Volt-VAr A", "Volt-VAr B", "PF 0.95 absorb", "PF 0.97 absorb", "PF 0.99 provide")


@dataclass(frozen=True)
class Profile:
    """One grid profile."""

    name: str
    identity: str
    default: bool
    self_supply: bool
    zipcodes: tuple[Any, ...]

    def describe(self) -> dict[str, Any]:
        """Return the profile as the PVS lists it."""
        return {
            "selfsupply": self.self_supply,
            "zipcodes": list(self.zipcodes),
            "default": self.default,
            "filename": f"{self.identity[:8]}.meta",
            "id": self.identity,
            "name": self.name,
        }


def _profile(name: str, *, default: bool, self_supply: bool, zipcodes: tuple[Any, ...]) -> Profile:
    return Profile(name, hexadecimal(40, "profile", name), default, self_supply, zipcodes)


def _zipcodes(name: str) -> tuple[Any, ...]:
    first = int(spread_between(10_000, 90_000, "zip", name))
    if first % 3:
        return ({"max": first + 600, "min": first},)
    return tuple(first + 3 * step for step in range(180))


ACTIVE_PROFILE = _profile(
    "Lab Standard 1547 with Volt-VAr",
    default=True,
    self_supply=False,
    zipcodes=({"max": 999_999, "min": 0},),
)
"""The profile of a fresh plant."""

PROFILES: tuple[Profile, ...] = (
    ACTIVE_PROFILE,
    *(
        _profile(name, default=False, self_supply="absorb" in name, zipcodes=_zipcodes(name))
        for name in (f"{utility} {curve}" for utility in _UTILITIES for curve in _CURVES)
    ),
)


def find_profile(key: str) -> Profile | None:
    """Return the profile with this id or name, or None."""
    for profile in PROFILES:
        if key in {profile.identity, profile.name}:
            return profile
    return None
