"""The roles that a change affects, and the example file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.boot_config.conftest import PROJECT

from pvs_bridge.boot_config import affected_roles
from pvs_bridge.boot_config.yaml_file import parse


def load(path: Path) -> Any:  # noqa: ANN401 - any YAML
    """Read a YAML file."""
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (["uplink_networks", "uplink_country"], ["uplink"]),
        (["uplink_type"], ["monitor", "uplink"]),
        (["uplink_hostname"], ["mqtt", "notify", "proxy", "uplink"]),
        (
            ["uplink_interface"],
            [
                "console_dns",
                "firewall",
                "health",
                "monitor",
                "proxy",
                "pvs_link",
                "routing",
                "sshd",
                "uplink",
            ],
        ),
        (["compat_password"], ["compat"]),
        (["notify_urls"], ["notify"]),
        (["notify_enabled"], ["appliance", "notify"]),
        ([], []),
    ],
)
def test_a_change_affects_the_roles_that_use_it(names: list[str], roles: list[str]) -> None:
    assert affected_roles.roles(PROJECT, names) == roles


def test_each_affected_role_is_a_tag_of_site_yml() -> None:
    reached = affected_roles.roles(PROJECT, ["bridge_backend"])
    listed = yaml.safe_dump(load(PROJECT / "ansible/site.yml"))
    # The role agent always runs, an image has boot_config already, and the role rollback runs with
    # the network's roles.
    missing = [name for name in reached if f"- {name}\n" not in listed]
    assert missing == ["agent", "boot_config", "rollback"]


def test_the_example_configures_nothing_until_it_is_edited(options: dict[str, Any]) -> None:
    text = (PROJECT / "templates/image/pvs-bridge.yml").read_text()
    assert parse(text).values == {}
    # Each commented-out line is valid.
    active = "".join(
        f"{line.removeprefix('# ')}\n" for line in text.splitlines() if line.startswith("# ")
    )
    values = parse(active).values
    assert set(values) <= set(options)
    assert values["uplink_networks"] == [
        {"ssid": "NAME OF THE WI-FI", "passphrase": "ITS PASSPHRASE"}
    ]
