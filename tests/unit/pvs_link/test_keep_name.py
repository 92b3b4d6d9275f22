"""The names of two adapters, in a network namespace of the kernel."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs_system

_PROGRAM = Path(__file__).resolve().parents[3] / "roles/pvs_link/files/etc/pvs-bridge/keep-name"
_PVS, _OTHER, _AWAY = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"
# The namespace has its own sysfs; one interface is up, as after NetworkManager's start.
_SCRIPT = """
set -e
mount -t sysfs sysfs /sys
for pair in $1; do
    ip link add "${pair%%=*}" address "${pair#*=}" type bridge
done
ip link set eth0 up
"$2" eth0 "$3" >&2
ip -json link show type bridge
"""


@pytest.mark.parametrize(
    ("before", "mac", "after"),
    [
        ({"eth0": _PVS, "eth1": _OTHER}, _PVS, {"eth0": _PVS, "eth1": _OTHER}),
        ({"eth0": _OTHER, "eth1": _PVS}, _PVS, {"eth0": _PVS, "eth1": _OTHER}),
        # An adapter that is unplugged changes nothing.
        ({"eth0": _OTHER, "eth1": _PVS}, _AWAY, {"eth0": _OTHER, "eth1": _PVS}),
    ],
)
def test_the_adapter_to_the_pvs_gets_its_name_back(
    before: dict[str, str], mac: str, after: dict[str, str]
) -> None:
    pairs = " ".join(f"{name}={address}" for name, address in before.items())
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", _SCRIPT, "sh", pairs, str(_PROGRAM), mac],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = {each["ifname"]: each["address"] for each in json.loads(done.stdout)}
    assert found == after
