"""Which PVS it is, and which of its two APIs answers: read from what it says about itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FIRST_LOCKED = {"PVS5": 5408, "PVS6": 61840}
"""The first build of each model that answers 403 to DeviceList, for good."""

RANDOM_403_BUILDS = range(61827, 61830)
"""Builds that answer 403 at random until the PVS is power-cycled: they are not locked."""

SUPERVISOR_INFO = "/cgi-bin/dl_cgi/supervisor/info"
"""Open on every build."""

OPEN_VARIABLES = ("/sys/info/model", "/sys/info/serialnum", "/sys/info/sw_rev")
"""Open without a login on every build that has /vars."""


@dataclass(frozen=True)
class Identity:
    """One PVS with its firmware.

    Attributes:
        model: PVS5 or PVS6.
        serial: Its last five characters are the owner's password.
        build: None if the PVS does not tell it.
        version: SWVER as the PVS writes it; empty if it does not.
        newer_api: Whether it was seen to answer /vars.
    """

    model: str
    serial: str
    build: int | None
    version: str
    newer_api: bool = False

    @property
    def locked(self) -> bool:
        """Whether DeviceList is closed for good, and /vars is open in its place."""
        if self.build is None:
            return self.newer_api
        return self.build >= FIRST_LOCKED[self.model]

    @property
    def refuses_at_random(self) -> bool:
        """Whether a 403 from this build is repaired by switching the PVS off for a minute."""
        return self.model == "PVS6" and self.build in RANDOM_403_BUILDS


def from_supervisor_info(body: bytes) -> Identity | None:
    """Read the answer of supervisor/info; None if it does not say which PVS it is."""
    answer = _object(body)
    supervisor = answer.get("supervisor")
    if answer.get("result") != "succeed" or not isinstance(supervisor, dict):
        return None
    version = _text(supervisor.get("SWVER"))
    build = supervisor.get("BUILD")
    if isinstance(build, bool) or not isinstance(build, (int, str)):
        build = None  # a PVS5 does not give it
    return _identity(
        _text(supervisor.get("MODEL")),
        _text(supervisor.get("SERIAL")),
        _build(str(build)) or _build(version),
        version,
    )


def from_open_variables(values: Mapping[str, str]) -> Identity | None:
    """Read what /vars tells without a login; None if it does not say which PVS it is."""
    model, serial, revision = (_text(values.get(name)) for name in OPEN_VARIABLES)
    return _identity(model, serial, _build(revision), "", newer_api=True)


def from_state(body: bytes) -> Identity | None:
    """Read what to_state() has written; None if it is not that."""
    state = _object(body)
    build, newer_api = state.get("build"), state.get("newer_api")
    if isinstance(build, bool) or not isinstance(build, (int, type(None))):
        return None
    return _identity(
        _text(state.get("model")),
        _text(state.get("serial")),
        build,
        _text(state.get("version")),
        newer_api=newer_api is True,
    )


def to_state(identity: Identity) -> bytes:
    """Write an identity for from_state()."""
    return json.dumps(asdict(identity)).encode()


def _identity(
    model: str, serial: str, build: int | None, version: str, *, newer_api: bool = False
) -> Identity | None:
    found = re.search(r"PVS[56]", model)
    # A serial number gives the password, so half of one is none.
    if found is None or re.fullmatch(r"[A-Za-z0-9]{5,32}", serial) is None:
        return None
    return Identity(found[0], serial, build, version, newer_api)


def _build(text: str) -> int | None:
    """Find the build in a BUILD, in a SWVER (2025.10, Build 61846), or in a sw_rev."""
    found = re.fullmatch(r"(?:.*(?:\.|Build ))?([0-9]{1,6})", text.strip(), re.DOTALL)
    return int(found[1]) if found else None


def _object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body.decode())
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _text(value: object) -> str:
    return value[:64] if isinstance(value, str) and value.isprintable() else ""
