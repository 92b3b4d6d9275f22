"""The PVS's model, serial number and firmware, and which of its two APIs the firmware has."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pvs_bridge.text import clean

FIRST_LOCKED = {"PVS5": 5408, "PVS6": 61840}
"""The first build of each model that answers 403 to DeviceList, always."""

FIRST_NEW_API = {"PVS5": 5408, "PVS6": 61839}
"""The first build of each model with /auth and /vars."""

RANDOM_403_BUILDS = range(61827, 61830)
"""Builds of the PVS6 that answer 403 at random until the PVS is power-cycled; not locked."""

_HIGHEST_PVS5_BUILD = 20_000  # every PVS6 in the field has a higher one

SUPERVISOR_INFO = "/cgi-bin/dl_cgi/supervisor/info"
"""Readable without a login on every build."""

OPEN_VARIABLES = ("/sys/info/model", "/sys/info/serialnum", "/sys/info/sw_rev")
"""Readable without a login on every build that has /vars."""


@dataclass(frozen=True)
class Firmware:
    """A build on a model.

    Attributes:
        model: PVS5 or PVS6.
        build: None if unknown.
    """

    model: str
    build: int | None

    @property
    def locked(self) -> bool:
        """Whether DeviceList is closed for good, and /vars replaces it."""
        return self.build is not None and self.build >= FIRST_LOCKED[self.model]

    @property
    def has_new_api(self) -> bool:
        """Whether the build has /auth and /vars; True if it is unknown."""
        return self.build is None or self.build >= FIRST_NEW_API[self.model]

    @property
    def refuses_at_random(self) -> bool:
        """Whether a power cycle ends the 403 of this build."""
        return self.model == "PVS6" and self.build in RANDOM_403_BUILDS


@dataclass(frozen=True)
class Identity(Firmware):
    """One PVS with its firmware.

    Attributes:
        serial: The serial number; its last five characters are the owner's password.
        version: SWVER as the PVS writes it; empty if unknown.
    """

    serial: str
    version: str


def read_firmware(body: bytes) -> Firmware:
    """Read model and build from an answer of supervisor/info; guess a missing model."""
    supervisor = _object(body).get("supervisor")
    about = supervisor if isinstance(supervisor, dict) else {}
    build = _supervisor_build(about)
    small = build is not None and build < _HIGHEST_PVS5_BUILD
    return Firmware(_model(about.get("MODEL")) or ("PVS5" if small else "PVS6"), build)


def from_supervisor_info(body: bytes) -> Identity | None:
    """Read an answer of supervisor/info; None if it does not identify the PVS."""
    answer = _object(body)
    supervisor = answer.get("supervisor")
    if answer.get("result") != "succeed" or not isinstance(supervisor, dict):
        return None
    version = _text(supervisor.get("SWVER"))
    build = _supervisor_build(supervisor)
    return _identity(supervisor.get("MODEL"), supervisor.get("SERIAL"), build, version)


def from_open_variables(values: Mapping[str, str]) -> Identity | None:
    """Read the OPEN_VARIABLES; None if they do not identify the PVS."""
    model, serial, revision = (values.get(name) for name in OPEN_VARIABLES)
    version = version_of(revision or "")
    return _identity(model, serial, build_of(revision), version)


def version_of(revision: str) -> str:
    """Write a sw_rev (2025.10.13.61846) as SWVER (2025.10, Build 61846); empty if unknown."""
    found = re.fullmatch(r"([0-9]{4}\.[0-9]{1,2})\.[0-9]{1,2}\.([0-9]{1,6})", revision)
    return f"{found[1]}, Build {found[2]}" if found else ""


def revision_of(version: str) -> str:
    """Write a SWVER (2024.6, Build 61707) as sw_rev, with 0 for the day; empty if unknown."""
    found = re.fullmatch(r"([0-9]{4}\.[0-9]{1,2}), Build ([0-9]{1,6})", version)
    return f"{found[1]}.0.{found[2]}" if found else ""


def read_revision(body: bytes) -> str | None:
    """Return sw_rev from an answer of /vars, such as 2025.10.13.61846; None if it has none."""
    try:
        (value,) = json.loads(body)["values"]
        return clean(value["value"]) or None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def from_state(state: Mapping[str, Any]) -> Identity | None:
    """Read what to_state() has returned; None for anything else."""
    build = state.get("build")
    if isinstance(build, bool) or not isinstance(build, (int, type(None))):
        return None
    version = _text(state.get("version"))
    return _identity(state.get("model"), state.get("serial"), build, version)


def to_state(identity: Identity) -> dict[str, Any]:
    """Return an identity as JSON data for from_state()."""
    return asdict(identity)


def _identity(model: object, serial: object, build: int | None, version: str) -> Identity | None:
    known = _model(model)
    # The password is derived from the serial number, so a part of one must not pass.
    if known is None or re.fullmatch(r"[A-Za-z0-9]{5,32}", _text(serial)) is None:
        return None
    return Identity(known, build, _text(serial), version)


def _model(value: object) -> str | None:
    found = re.search(r"PVS[56]", _text(value).upper())
    return found[0] if found else None


def _supervisor_build(supervisor: Mapping[str, Any]) -> int | None:
    """Return BUILD, or the build in SWVER: a PVS5 has no BUILD."""
    return build_of(supervisor.get("BUILD")) or build_of(supervisor.get("SWVER"))


def build_of(value: object) -> int | None:
    """Find the build in a BUILD, in a SWVER (2025.10, Build 61846), or in a sw_rev."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)
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
