"""Inventories in which all is well."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bench.validate import write_inventory
from unit.validate.conftest import GOOD, PROJECT, Validator, write

CABLE = "{uplink_type: ethernet, uplink_interface: eth1"
INVENTORIES: dict[str, dict[str, str]] = {
    "a host with one cable more": {"bridges.yml": GOOD},
    "in the form of ini": {
        "bridges.ini": "[pvs_bridges]\ngarage uplink_type=ethernet uplink_interface=eth1\n"
    },
    "variables beside it": {
        "bridges.yml": "---\npvs_bridges:\n  hosts:\n    garage:\n",
        "group_vars/pvs_bridges/uplink.yml": "---\nuplink_type: ethernet\n",
        "host_vars/garage.yml": "---\nuplink_interface: eth1\n",
    },
    "a group within the group": {
        "bridges.yml": "---\npvs_bridges:\n  children:\n    sheds:\n      hosts:\n"
        f"        barn: {CABLE}}}\n"
    },
    "other machines than bridges": {
        "bridges.yml": GOOD,
        "others.yml": "---\nnas:\n  hosts:\n    backup:\n      ansible_host: 192.168.1.2\n",
        "README.md": "# Our machines\n",
    },
    "a look at another machine's variables": {
        "bridges.yml": GOOD.replace("eth1", "\"{{ hostvars['backup'].port }}\""),
        "others.yml": "---\nnas:\n  hosts:\n    backup:\n      port: eth1\n",
    },
    "one name in two homes": {
        "bridges.yml": "---\npvs_bridges:\n  hosts:\n"
        f"    north: {CABLE}, ansible_host: pi, ansible_ssh_common_args: -J north.example.org,"
        " uplink_hostname: pi}\n"
        f"    south: {CABLE}, ansible_host: pi, ansible_ssh_common_args: -J south.example.org,"
        " uplink_hostname: pi}\n"
    },
    "one address with two ports": {
        "bridges.yml": "---\npvs_bridges:\n  hosts:\n"
        f"    north: {CABLE}, ansible_host: home.example.org, ansible_port: 2201}}\n"
        f"    south: {CABLE}, ansible_host: home.example.org, ansible_port: 2202}}\n"
    },
    "a bridge whose files are not for git": {
        ".gitignore": "bridges.yml\n",
        "bridges.yml": GOOD + "      ansible_become_password: correct horse\n",
    },
    "a password that is only a hash": {
        ".gitignore": "other\n",
        "bridges.yml": GOOD + "      proxy_users: {anna: "
        "$5$abcdefgh$E6wFWSbzRRGkjAnCTq/RMAkFs5rkVhdjAUcYBFuYqE6}\n",
    },
}


@pytest.mark.parametrize("files", INVENTORIES.values(), ids=INVENTORIES)
def test_nothing_is_found(validator: Validator, files: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path, files)
    if ".gitignore" in files:
        subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    done = validator.json(tmp_path)
    assert (done.findings, done.status) == ([], 0)
    assert all(bridge["files"] > 20 for bridge in done.report["bridges"])


def test_nothing_is_found_in_the_examples(validator: Validator, tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "inventory/example", tmp_path / "inventory")
    done = validator.json(tmp_path)
    assert (done.findings, done.status) == ([], 0)
    assert [bridge["name"] for bridge in done.report["bridges"]] == ["barn", "garage"]


def test_nothing_is_found_in_what_make_init_writes_once_it_is_filled_in(
    validator: Validator, tmp_path: Path
) -> None:
    subprocess.run(
        [sys.executable, "-m", "bridgectl", "init", "garage", "--inventory", "inventory"],
        cwd=tmp_path, env={"PATH": "", "LANG": "de_DE.UTF-8", "TZ": "UTC",
             "PYTHONPATH": str(PROJECT / "ansible")}, check=True,
    )  # fmt: skip
    file = tmp_path / "inventory/garage.yml"
    unfinished = validator.json(tmp_path)
    assert {each["variable"] for each in unfinished.findings} == {
        "uplink_networks[0].passphrase",
        "uplink_networks[0].ssid",
    }
    file.write_text(file.read_text().replace("CHANGE-ME", "sunflower"))
    assert validator.json(tmp_path).findings == []


def test_nothing_is_found_in_a_fleet(validator: Validator, tmp_path: Path) -> None:
    write_inventory(tmp_path / "inventory", 24)
    done = validator.json(tmp_path)
    assert (done.findings, done.status) == ([], 0)
    bridges = done.report["bridges"]
    assert [bridge["name"] for bridge in bridges] == sorted(
        (f"bridge-{number}" for number in range(24)), key=str
    )
