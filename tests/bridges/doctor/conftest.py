"""Fixtures: a bridge for each backend, with its own secrets, and its doctor."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from bridges.rollback.bridge import Bridge

from pvs_lab.paths import lab_dir

PIS = ("trixie-networkmanager", pytest.param("bookworm-dhcpcd", marks=pytest.mark.slow))
# Fast answers, at noon.
_SIMULATOR = "--simulator=--latency-seconds 0.5 --clock 2026-06-21T20:00:00Z"

# `openssl passwd -5 -salt doctor roof-of-anna`
USERS_HASH = "$5$doctor$2zGHXM5nXRYHYR5oXxXQHPnnf0TTMwOD3Fr7Wy2xq14"
OWNER_PASSWORD = "owner-of-the-roof"  # noqa: S105 - only a lab has it


@dataclasses.dataclass(frozen=True)
class Said:
    """The output of the doctor.

    Attributes:
        status: the exit status.
        text: its standard output.
        errors: its standard error.
    """

    status: int
    text: str
    errors: str

    @property
    def states(self) -> dict[str, str]:
        """The states of all checks, by title."""
        rows = [line.strip().split("  ") for line in self.text.splitlines() if line[:2] == "  "]
        words = [[word.strip() for word in row if word] for row in rows]
        known = {"ok", "warning", "broken", "unknown"}
        return {row[0]: row[1].split()[0] for row in words if len(row) > 1
                and row[1].split()[0] in known}  # fmt: skip

    @property
    def first_broken(self) -> str | None:
        """The first broken check; None if the bridge is healthy."""
        head, found, rest = self.text.partition("First broken check: ")
        return rest.splitlines()[0] if found and head else None


class Target(Bridge):
    """A bridge in a lab, and its doctor."""

    def doctor(self, *arguments: str, inventory: str | Path = "inventory/lab") -> Said:
        """Run the doctor for the bridge."""
        done = self.examine(*arguments, inventory=inventory)
        return Said(done.returncode, done.stdout, done.stderr)

    def inventory(self, folder: Path, **variables: str) -> Path:
        """Write an inventory with this bridge and other connection variables."""
        ways: Mapping[str, Any] = {
            "ansible_host": "bridge",
            "ansible_user": "pi",
            "ansible_ssh_common_args": f"-F {lab_dir(self.name)}/ssh_config",
            "uplink_type": "ethernet",
            **variables,
        }
        file = folder / "garage.yml"
        file.write_text(json.dumps({"pvs_bridges": {"hosts": {"garage": ways}}}))
        return file


@pytest.fixture(scope="session", params=PIS)
def bridge(request: pytest.FixtureRequest) -> Iterator[Target]:
    """Return a healthy bridge; each test must leave it unchanged."""
    release, backend = request.param.split("-")
    made = Target(f"t-doctor-{release}")
    variables = {
        "proxy_users": {"anna": USERS_HASH},
        "compat_password": OWNER_PASSWORD,
        # Writes the PVS's serial number into a file of avahi.
        "status_announce_pvs": True,
    }
    try:
        made.up_provisioned(release, backend, variables, _SIMULATOR)
        yield made
    finally:
        made.command("down")
