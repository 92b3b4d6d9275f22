"""The role: what it installs fits together, and with the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.card.conftest import PROJECT

from pvs_bridge.boot_config import affected_roles
from pvs_bridge.boot_config.yaml_file import parse


def load(path: Path) -> Any:  # noqa: ANN401 - any YAML
    """Read a YAML file."""
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (["uplink_networks", "uplink_country"], ["uplink"]),
        (["uplink_type"], ["care", "uplink"]),
        (["uplink_hostname"], ["proxy", "uplink"]),
        (
            ["uplink_interface"],
            ["care", "console_dns", "firewall", "health", "pvs_link", "routing", "sshd", "uplink"],
        ),
        (["compat_password"], ["compat"]),
        ([], []),
    ],
)
def test_a_change_reaches_the_roles_that_read_it(names: list[str], roles: list[str]) -> None:
    assert affected_roles.roles(PROJECT, names) == roles


def test_each_role_that_a_change_reaches_is_a_tag_of_site_yml() -> None:
    reached = affected_roles.roles(PROJECT, ["bridge_backend"])
    listed = yaml.safe_dump(load(PROJECT / "ansible/site.yml"))
    # An image has the role card before it boots; the role rollback runs with the network's.
    assert [name for name in reached if f"- {name}\n" not in listed] == ["card", "rollback"]


def test_the_example_is_a_description_of_nothing_yet(options: dict[str, Any]) -> None:
    text = (PROJECT / "templates/image/pvs-bridge.yml").read_text()
    assert parse(text).values == {}
    # Each line that is one is right once its mark is taken away.
    active = "".join(
        f"{line.removeprefix('# ')}\n" for line in text.splitlines() if line.startswith("# ")
    )
    values = parse(active).values
    assert set(values) <= set(options)
    assert values["uplink_networks"] == [
        {"ssid": "NAME OF THE WI-FI", "passphrase": "ITS PASSPHRASE"}
    ]
