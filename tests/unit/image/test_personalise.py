"""Personalising: the copy gets the bridge's configuration and keys, and nothing else."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as any_
from unit.image.cards import output_of

from pvs_bridge.backup import age, archive
from pvs_bridge.backup.contents import CARD_LOGIN, CARD_VARIABLES, CERTIFICATE, File
from pvs_bridge.boot_config import restored
from pvs_image.block_map import partitions_of
from pvs_image.bridge_configuration import BridgeConfiguration
from pvs_image.xz import pack

pytestmark = pytest.mark.needs_system

PROJECT = Path(__file__).resolve().parents[3]
BOOT = "@@8M"
SECRETS = {
    "WIFI_PASSPHRASE_GARAGE": 'NO: "quoted" # 012',
    "WIFI_PASSPHRASE_NEIGHBOUR": "{{ no template }}",
}
NAMES = any_.text("abc_0", min_size=1, max_size=9)
SCALARS = any_.none() | any_.booleans() | any_.integers() | any_.text()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A public key."""
    output_of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key")
    return tmp_path / "key.pub"


def personalise(
    *arguments: str | Path, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command as make does."""
    paths = os.pathsep.join([str(PROJECT / "image"), str(PROJECT / "tests/lab")])
    environ = {
        **os.environ,
        "PYTHONPATH": paths,
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        **SECRETS,
        **environment,
    }
    return subprocess.run(
        [sys.executable, "-m", "pvs_image", "personalise", *map(str, arguments)],
        cwd=PROJECT,
        env=environ,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def configuration(card: Path) -> Any:  # noqa: ANN401 - YAML holds anything
    """Read the configuration file on a card."""
    return yaml.safe_load(output_of("mtype", "-i", f"{card}{BOOT}", "::/pvs-bridge.yml"))


def example_variables(name: str) -> dict[str, Any]:
    """Read an example's variables, with its secrets filled in."""
    inventory = yaml.safe_load((PROJECT / f"inventory/example/{name}.yml").read_text())
    variables: Mapping[str, Any] = inventory["pvs_bridges"]["hosts"][name]
    for network in variables.get("uplink_networks", []):
        network["passphrase"] = next(
            value for secret, value in SECRETS.items() if secret in network["passphrase"]
        )
    own = {each: value for each, value in variables.items() if not each.startswith("ansible_")}
    return {**own, "uplink_hostname": name}


@pytest.mark.parametrize("name", ["barn", "garage"])
def test_every_variable_of_the_examples_is_on_the_card(
    name: str, card: Path, key: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.img"
    done = personalise(
        "--inventory", "inventory/example", "--limit", name, "--image", card, "--key", key,
        "--output", copy,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert configuration(copy) == example_variables(name)
    assert output_of("mtype", "-i", f"{copy}{BOOT}", "::/authorized_keys") == key.read_text()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    _, _, root = partitions_of(copy)
    assert output_of("e2fsck", "-fn", f"{copy}?offset={root.start_bytes}")
    assert "pvs-bridge" not in output_of("mdir", "-i", f"{card}{BOOT}", "::/")


def test_controller_only_variables_are_left_out(card: Path, key: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.img"
    done = personalise(
        "--inventory", "inventory/lab", "--image", card, "--key", key, "--output", copy, LAB="b1"
    )
    assert done.returncode == 0, done.stderr
    assert configuration(copy) == {"uplink_type": "ethernet", "uplink_hostname": "b1"}


def test_vault_secrets_are_decrypted(card: Path, key: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("of the vault\n")
    vault = Path(sys.executable).with_name("ansible-vault")
    sealed = output_of(
        vault, "encrypt_string", "--vault-password-file", tmp_path / "password",
        "--name", "passphrase", "secret: yes",
    )  # fmt: skip
    inventory = tmp_path / "home.yml"
    network = "\n".join(f"          {line}" for line in sealed.splitlines())
    inventory.write_text(
        "pvs_bridges:\n  hosts:\n    shed:\n      uplink_country: US\n      uplink_networks:\n"
        f"        - ssid: !unsafe 'a {{{{ b'\n{network}\n"
    )
    copy = tmp_path / "copy.img"
    arguments: list[str | Path] = [
        "--inventory",
        inventory,
        "--image",
        card,
        "--key",
        key,
        "--output",
        copy,
    ]
    done = personalise(*arguments)
    assert (done.returncode, copy.exists()) == (1, False)
    assert "uplink_networks[0].passphrase: cannot be decrypted" in done.stderr
    done = personalise(*arguments, "--vault-password-file", tmp_path / "password")
    assert done.returncode == 0, done.stderr
    (found,) = configuration(copy)["uplink_networks"]
    assert found == {"ssid": "a {{ b", "passphrase": "secret: yes"}


def test_args_are_those_of_ansible_playbook_for_vault_passwords(
    card: Path, key: Path, tmp_path: Path
) -> None:
    done = personalise(
        "--inventory", "inventory/example", "--limit", "barn", "--image", card, "--key", key,
        "--output", tmp_path / "copy.img", "--ask-vault-pass",
    )  # fmt: skip
    assert done.returncode == 1
    assert "error: no vault password was typed\n  hint: " in done.stderr


@pytest.mark.parametrize(
    ("user", "files"),
    [("pi", ["authorized_keys"]), ("anna", ["authorized_keys", "userconf.txt"])],
)
def test_the_card_has_the_user_of_the_inventory(
    user: str, files: list[str], card: Path, key: Path, tmp_path: Path
) -> None:
    inventory, copy = tmp_path / "home.yml", tmp_path / "copy.img"
    inventory.write_text(
        "pvs_bridges:\n  hosts:\n    shed:\n      uplink_type: ethernet\n"
        f"      owner: {user}\n      ansible_user: '{{{{ owner }}}}'\n"
    )
    done = personalise("--inventory", inventory, "--image", card, "--key", key, "--output", copy)
    assert done.returncode == 0, done.stderr
    names = output_of("mdir", "-b", "-i", f"{copy}{BOOT}", "::/").split()
    found = [name.removeprefix("::/") for name in names]
    assert sorted({"authorized_keys", "userconf.txt"} & set(found)) == files
    if user == "anna":
        assert output_of("mtype", "-i", f"{copy}{BOOT}", "::/userconf.txt") == "anna:!\n"


@given(
    any_.dictionaries(NAMES, SCALARS | any_.lists(any_.dictionaries(NAMES, SCALARS), max_size=3))
)
def test_any_value_survives_writing_and_reading(variables: dict[str, Any]) -> None:
    text = BridgeConfiguration("garage", "inventory/home", variables).as_yaml()
    assert (yaml.safe_load(text) or {}) == variables


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("uplink_countri: US", "uplink_countri: "),
        ("uplink_type: ethernet\n      bridge_backend: dhcpcd", "has bridge_backend: dhcpcd"),
        ("uplink_type: [", "cannot be read"),
        (
            "uplink_type: ethernet\n      ansible_user: Anna Smith",
            "ansible_user of shed must be a name in lower case, got 'Anna Smith'",
        ),
    ],
)
def test_a_wrong_configuration_writes_nothing(
    host: str, message: str, card: Path, key: Path, tmp_path: Path
) -> None:
    inventory = tmp_path / "home.yml"
    inventory.write_text(f"pvs_bridges:\n  hosts:\n    shed:\n      {host}\n")
    before = set(tmp_path.iterdir())
    done = personalise(
        "--inventory", inventory, "--image", card, "--key", key, "--output", tmp_path / "x/copy.img"
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "\n  hint: " in done.stderr
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--limit", "garag"], "LIMIT=garag selects no bridge"),
        ([], "LIMIT= must select one bridge, got 2: barn, garage"),
        (["--inventory", "inventory/none"], "INVENTORY=inventory/none does not exist"),
        (["--limit", "barn", "--image", "none.img.xz"], "IMAGE=none.img.xz does not exist"),
        (["--limit", "barn", "--image", "/etc/passwd"], "/etc/passwd is not a card image"),
        (["--limit", "barn", "--device", "/dev/null"], "DEVICE=/dev/null is not a block device"),
    ],
)
def test_wrong_options_are_named(
    arguments: list[str], message: str, card: Path, key: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.img"
    done = personalise(
        "--inventory", "inventory/example", "--image", card, "--key", key, "--output", copy,
        *arguments,
    )  # fmt: skip
    assert (done.returncode, copy.exists()) == (1, False)
    assert f"error: {message}" in done.stderr


def test_a_full_disk_leaves_no_partial_copy(
    card: Path, key: Path, disk_of: Callable[[int], Path]
) -> None:
    disk = disk_of(1024)
    done = personalise(
        "--inventory", "inventory/example", "--limit", "barn", "--image", card, "--key", key,
        "--output", disk / "copy.img",
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {disk}/copy.img cannot be written: No space left")
    assert list(disk.iterdir()) == []


def test_a_full_cache_leaves_no_partial_image(
    card: Path, key: Path, tmp_path: Path, disk_of: Callable[[int], Path]
) -> None:
    disk = disk_of(1024)
    packed = tmp_path / "card.img.xz"
    pack(card, packed)
    done = personalise(
        "--inventory", "inventory/example", "--limit", "barn", "--image", packed, "--key", key,
        "--output", tmp_path / "copy.img", XDG_CACHE_HOME=str(disk),
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: xz failed: ")
    assert "No space left on device" in done.stderr
    assert [each for each in disk.rglob("*") if each.is_file()] == []
    assert not (tmp_path / "copy.img").exists()


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of a card, and the private key that opens it."""
    files = {
        CARD_VARIABLES: {"digest": "", "variables": {"uplink_type": "ethernet", "mqtt_user": "a"}},
        CARD_LOGIN: {"user": "anna", "password_hash": "$6$a", "keys": ["ssh-ed25519 AA"],
                     "form_user": ""},
    }  # fmt: skip
    content = {name: File(json.dumps(value).encode(), 0o600) for name, value in files.items()}
    content[CERTIFICATE] = File(b"\xff certificate", 0o600)
    output_of("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "identity")
    file = tmp_path / "garage.age"
    with file.open("wb") as out:
        age.encrypt(
            ["--recipients-file", f"{tmp_path}/identity.pub"],
            out,
            lambda stream: archive.write(archive.Backup("garage", "", "", content), stream),
        )
    return file


def test_a_backup_makes_a_card(backup: Path, card: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.img"
    done = personalise(
        "--from", backup, "--identity", tmp_path / "identity", "--image", card, "--output", copy
    )
    assert done.returncode == 0, done.stderr
    assert configuration(copy) == {
        "uplink_hostname": "garage", "uplink_type": "ethernet", "mqtt_user": "a",
    }  # fmt: skip
    assert output_of("mtype", "-i", f"{copy}{BOOT}", "::/authorized_keys") == "ssh-ed25519 AA\n"
    assert output_of("mtype", "-i", f"{copy}{BOOT}", "::/userconf.txt") == "anna:$6$a\n"
    output_of("mcopy", "-i", f"{copy}{BOOT}", f"::/{restored.FILE}", tmp_path)
    restored.take_over(tmp_path, tmp_path / "root")
    found = [path for path in (tmp_path / "root").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in found] == [b"\xff certificate"]


def test_a_backup_that_cannot_be_opened_makes_no_card(
    backup: Path, key: Path, card: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.img"
    done = personalise(
        "--from", backup, "--identity", key.with_suffix(""), "--image", card, "--output", copy
    )
    assert done.returncode == 1
    assert f"error: {backup}: the backup cannot be decrypted: " in done.stderr
    assert not copy.exists()
