"""How much each unit of the project may do, as `systemd-analyze security` judges its file."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.needs_system

_ROLES = Path(__file__).resolve().parents[3] / "roles"
_UNITS = {
    path.name.removesuffix(".j2"): path
    for path in _ROLES.glob("*/templates/etc/systemd/system/*.service.j2")
}
# From 0, nothing, to 10, everything: what commit bd818d2 had, or less. Some names are newer:
# overlay was root, boot-config-* was card-*, and monitor was care.
_MOST = {
    "haproxy.service": 1.5,
    "pvs-bridge-boot-config-cloud-init.service": 1.1,
    "pvs-bridge-boot-config-keys.service": 0.9,
    "pvs-bridge-certificate.service": 0.9,
    "pvs-bridge-compat.service": 0.2,
    "pvs-bridge-firewall.service": 1.6,
    "pvs-bridge-keep-name.service": 2.0,
    "pvs-bridge-link-guard.service": 2.0,
    "pvs-bridge-monitor.service": 2.4,
    "pvs-bridge-mqtt.service": 1.1,
    "pvs-bridge-notify.service": 1.1,
    "pvs-bridge-rollback.service": 5.3,
    "pvs-bridge-routing.service": 1.8,
    "pvs-bridge-status.service": 0.2,
    "pvs-bridge-wifi-guard.service": 2.2,
    # They change the mounts of the system, install packages, or run the playbook. They start once,
    # and read nothing that another user or the network writes.
    "pvs-bridge-boot-config-apply.service": 9.5,
    "pvs-bridge-boot-config-report.service": 9.6,
    "pvs-bridge-noatime.service": 9.5,
    "pvs-bridge-overlay.service": 9.5,
    "pvs-bridge-updates-install.service": 9.6,
    "pvs-bridge-updates.service": 9.6,
    "pvs-bridge-zram.service": 9.5,
}


def unit(path: Path) -> str:
    """Return a unit with the settings that its template writes whatever the variables are."""
    sandbox = yaml.safe_load((_ROLES / "common/vars/main.yml").read_text())["__common_sandbox"]
    text = path.read_text().replace("{{ __common_sandbox }}", sandbox)
    return re.sub(r"\{\{.*?\}\}", "/bin/true", re.sub(r"\{%.*?%\}\n?", "", text))


def test_every_unit_has_a_limit() -> None:
    assert _UNITS.keys() == _MOST.keys()


@pytest.mark.parametrize("name", _MOST)
def test_a_unit_may_do_no_more_than_it_has_to(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text(unit(_UNITS[name]))
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=0", file],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(rf"exposure level for {re.escape(name)}: ([\d.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= _MOST[name], done.stdout
