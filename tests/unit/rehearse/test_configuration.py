"""A configuration is read with neither a vault's password nor an environment, and checked."""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from bridgectl.errors import CannotWorkError
from bridgectl.inventory import placeholders
from bridgectl.rehearse.configuration import read
from bridgectl.rehearse.twin import make_twin

Write = Callable[..., Path]

GARAGE = """
pvs_bridges:
  hosts:
    garage:
      ansible_host: "{{ site }}.20"
      uplink_country: US
      uplink_method: static
      uplink_dns_servers: [192.168.1.1]
      uplink_address: "{{ site }}.20/24"
      uplink_gateway: "{{ site }}.1"
      uplink_networks:
        - ssid: Sunnyside
          passphrase: %s
"""
SITE = "site: 192.168.1\n"


def encrypted(text: str) -> str:
    """Encrypt a text with Ansible vault, with a password that is not configured."""
    vault = VaultLib([("default", VaultSecret(b"the vault password"))])
    return str(vault.encrypt(text).decode())


def vault_value(text: str, indent: int) -> str:
    """Write an encrypted value for YAML."""
    return "!vault |\n" + textwrap.indent(encrypted(text), " " * indent)


@pytest.mark.parametrize(
    "passphrase",
    [
        vault_value("correct horse", 12),
        "\"{{ lookup('ansible.builtin.env', 'NO_SUCH_VARIABLE') }}\"",
        '"{{ passphrase_of_a_vault }}"',
        "correct horse",
    ],
    ids=["vault", "environment", "vault file", "clear text"],
)
def test_a_secret_is_replaced_wherever_it_is_kept(inventory: Write, passphrase: str) -> None:
    folder = inventory(
        garage=GARAGE % passphrase,
        group_vars__all__site=SITE,
        group_vars__all__vault=encrypted("passphrase_of_a_vault: correct horse\n"),
    )
    found = read(folder, "garage")
    assert found.variables["uplink_networks"] == [
        {"ssid": "Sunnyside", "passphrase": placeholders.TEXT}
    ]
    assert (found.bridge, found.address, found.unreadable) == ("garage", "192.168.1.20", ())
    assert found.variables["uplink_address"] == "192.168.1.20/24"
    assert "correct horse" not in make_twin(found).inventory("lab")


def test_unreadable_networks_are_left_out(
    inventory: Write,
) -> None:
    networks = "networks:\n  - ssid: Sunnyside\n    passphrase: " + vault_value("secret word", 6)
    text = GARAGE.split("uplink_networks")[0] + 'uplink_networks: "{{ networks }}"\n'
    found = read(inventory(garage=text, group_vars__all=SITE + networks), "")
    assert found.unreadable == ("uplink_networks",)
    assert "uplink_networks" not in found.variables


def test_placeholders_pass_all_checks(inventory: Write) -> None:
    networks = [
        {"ssid": "a", "passphrase": "correct horse"},
        {"ssid": "b", "psk": "ab" * 32},
        {"ssid": "c", "passphrase": "correct horse", "security": "wpa3"},
    ]
    variables = {
        "uplink_country": "US",
        "uplink_networks": networks,
        "proxy_users": {"anna": "$6$abcdefgh$" + "a" * 86, "ben": "{{ of_a_vault }}"},
        "proxy_stats_network": True,
        "health_user": "anna",
        "health_password": "word",
        "compat_password": "sunflower",
    }
    first = inventory(
        garage=yaml.safe_dump({"pvs_bridges": {"hosts": {"garage": variables}}}),
        group_vars__all__vault=encrypted("of_a_vault: $6$abcdefgh$x\n"),
    )
    found = read(first, "").variables
    assert found["proxy_users"] == dict.fromkeys(("anna", "ben"), placeholders.PASSWORD_HASH)
    assert found["health_password"] == placeholders.TEXT
    assert found["compat_password"] == placeholders.TEXT
    written = {"pvs_bridges": {"hosts": {"garage": yaml.safe_load(yaml.safe_dump(plain(found)))}}}
    second = inventory(garage=yaml.safe_dump(written))
    assert plain(read(second, "").variables) == plain(found)


def plain(value: object) -> object:
    """Take Ansible's own classes away from a value."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def test_the_password_of_the_health_check_fits_the_hash() -> None:
    command = ["openssl", "passwd", "-5", "-salt", "placeholder", placeholders.TEXT]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == placeholders.PASSWORD_HASH


def test_an_error_is_reported_with_file_and_line(inventory: Write) -> None:
    text = GARAGE.replace("uplink_method: static", "uplink_method: fixed") % "short"
    folder = inventory(garage=text, group_vars__all=SITE)
    with pytest.raises(CannotWorkError) as caught:
        read(folder, "garage")
    lines = str(caught.value).splitlines()
    assert lines[0] == "the configuration of garage is wrong:"
    assert lines[1].startswith(f"{folder}/garage.yml:7: uplink_method: must be one of")
    assert lines[2].startswith(
        f"{folder}/garage.yml:13: uplink_networks[0].passphrase: must have 8 "
    )
    assert "short" not in str(caught.value)


def test_an_encrypted_value_without_placeholder_needs_the_password(
    inventory: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = GARAGE.replace('"{{ site }}.1"', vault_value("192.168.1.1", 8).rstrip("\n"))
    folder = inventory(garage=text % "correct horse", group_vars__all=SITE)
    with pytest.raises(CannotWorkError, match="uplink_gateway: cannot be decrypted") as caught:
        read(folder, "garage")
    assert "ANSIBLE_VAULT_PASSWORD_FILE" in caught.value.issue.hint
    password = tmp_path / "password"
    password.write_text("the vault password")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(password))
    assert read(folder, "garage").variables["uplink_gateway"] == "192.168.1.1"


@pytest.mark.parametrize(
    ("limit", "problem", "hint"),
    [
        ("", "LIMIT= must select one bridge, got 2: barn, garage", "LIMIT=barn"),
        ("*a*", "LIMIT=*a* must select one bridge, got 2: barn, garage", "LIMIT=barn"),
        ("nas", "LIMIT=nas selects no bridge", "barn"),
        ("roof", "LIMIT=roof selects no bridge", "garage"),
    ],
)
def test_the_limit_must_select_one_bridge(
    inventory: Write, limit: str, problem: str, hint: str
) -> None:
    hosts = "pvs_bridges: {hosts: {garage: {}, barn: {}}}\nothers: {hosts: {nas: {}}}\n"
    with pytest.raises(CannotWorkError) as caught:
        read(inventory(all=hosts), limit)
    assert problem in caught.value.issue.problem
    assert hint in caught.value.issue.hint


def test_a_pattern_may_be_any_of_ansible_s_that_fits_one(inventory: Write) -> None:
    bridge = "{uplink_type: ethernet}"
    hosts = f"pvs_bridges: {{hosts: {{garage: {bridge}, barn: {bridge}}}}}\n"
    assert read(inventory(all=hosts), "pvs_bridges:!barn").bridge == "garage"


@pytest.mark.parametrize(
    ("text", "problem"),
    [("others: {hosts: {nas: {}}}\n", "has no bridges"), ("a: [\n", "cannot be read")],
)
def test_an_unusable_inventory_is_an_error(inventory: Write, text: str, problem: str) -> None:
    folder = inventory(all=text)
    with pytest.raises(CannotWorkError) as caught:
        read(folder, "")
    assert str(folder) in str(caught.value)
    assert problem in caught.value.issue.problem
