"""Secrets: opened where there is a password, and shown nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.validate.conftest import GOOD, PROJECT, Validator, write

PASSWORD = "open sesame"  # noqa: S105 - it opens what is made here
SECRET = "sunflower seeds"  # noqa: S105
WORDS = ("sunflower", "sesame")
CABLE = "{uplink_type: ethernet, uplink_interface: eth1, uplink_networks: []}"
WIFI = """\
---
pvs_bridges:
  hosts:
    garage:
      uplink_country: US
      uplink_networks:
"""


def vault(folder: Path, *arguments: str, stdin: str = "") -> str:
    """Run ansible-vault with a password; return what it prints."""
    file = folder / "password"
    file.write_text(f"{PASSWORD}\n")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-vault")), *arguments,
         "--vault-password-file", str(file)],
        input=stdin, env={**os.environ, "HOME": str(folder)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return done.stdout


def encrypted(folder: Path, name: str, value: str, indent: int) -> str:
    """Return a line of YAML with an encrypted value."""
    printed = vault(folder, "encrypt_string", "--stdin-name", name, stdin=value)
    return "".join(f"{' ' * indent}{line}\n" for line in printed.splitlines() if line.strip())


@pytest.fixture
def encrypted_bridge(tmp_path: Path) -> Path:
    """Return a folder with a bridge whose Wi-Fi's name and passphrase are encrypted."""
    network = "        -" + encrypted(tmp_path, "ssid", "our sunflower", 10)[9:]
    network += encrypted(tmp_path, "passphrase", SECRET, 10)
    return write(tmp_path, {"bridges.yml": WIFI + network})


def texts(folder: Path) -> str:
    """Return all that was rendered."""
    files = [each for each in (folder / "output").rglob("*") if each.is_file()]
    assert len(files) > 20
    return "\n".join(f"{each}\n{each.read_text()}" for each in files)


def test_an_encrypted_value_is_counted_and_not_a_finding(
    validator: Validator, encrypted_bridge: Path
) -> None:
    done = validator(encrypted_bridge, "--output", "output")
    assert done.status == 0, done.output
    assert "Not checked (2 values): garage's uplink_networks[0].ssid" in done.output
    assert "garage's uplink_networks[0].ssid" in done.output
    rendered = texts(encrypted_bridge)
    assert "placeholder-secret" in rendered
    assert not any(word in rendered for word in WORDS)


def test_strictly_it_is_a_finding(validator: Validator, encrypted_bridge: Path) -> None:
    done = validator.json(encrypted_bridge, "--strict")
    assert done.status == 1
    assert [each["variable"] for each in done.findings] == [
        "uplink_networks[0].ssid",
        "uplink_networks[0].passphrase",
    ]


def test_with_the_password_it_is_looked_into_and_not_shown(
    validator: Validator, encrypted_bridge: Path
) -> None:
    arguments = ("--vault-password-file", "password", "--output", "output")
    done = validator.json(encrypted_bridge, *arguments)
    assert (done.status, done.findings) == (0, [])
    assert done.report["bridges"][0]["unreadable"] == []
    rendered = texts(encrypted_bridge)
    assert not any(word in rendered for word in WORDS)

    bad = encrypted(encrypted_bridge, "passphrase", "sunset", 10)
    file = encrypted_bridge / "inventory/bridges.yml"
    head, _, _ = file.read_text().partition("          passphrase: ")
    file.write_text(head + bad)
    done = validator.json(encrypted_bridge, *arguments)
    assert [each["problem"] for each in done.findings] == [
        "must have 8 to 63 bytes in UTF-8, got 6"
    ]
    assert "sunset" not in done.output


def test_a_password_that_does_not_fit_is_found(
    validator: Validator, encrypted_bridge: Path
) -> None:
    (encrypted_bridge / "wrong").write_text("open barley\n")
    done = validator.json(encrypted_bridge, "--vault-password-file", "wrong")
    assert {each["problem"] for each in done.findings} == {"cannot be decrypted"}


def test_a_password_file_that_is_not_there_is_named(
    validator: Validator, encrypted_bridge: Path
) -> None:
    done = validator(encrypted_bridge, "--vault-password-file", "nowhere")
    assert (done.status, done.output) == (2, "")
    assert "nowhere does not exist" in done.errors


@pytest.mark.parametrize("others", [0, 7])
def test_a_file_that_is_encrypted_as_a_whole_is_passed_over(
    validator: Validator, tmp_path: Path, others: int
) -> None:
    more = "".join(f"    barn-{number}: {CABLE}\n" for number in range(others))
    write(
        tmp_path,
        {
            "others.yml": f"---\npvs_bridges:\n  hosts:\n{more or '    garage:'}\n",
            "bridges.yml": f"{WIFI}        - ssid: home\n          passphrase: '{{{{ key }}}}'\n",
            "group_vars/pvs_bridges/vault.yml": f"---\nkey: {SECRET}\nproxy_cache_seconds: 700\n",
        },
    )
    file = tmp_path / "inventory/group_vars/pvs_bridges/vault.yml"
    vault(tmp_path, "encrypt", str(file))
    done = validator(tmp_path)
    assert done.status == 0, done.output
    assert (
        "group_vars/pvs_bridges/vault.yml was not read, because it is encrypted as a whole"
        in done.output
    )

    done = validator.json(tmp_path, "--vault-password-file", "password")
    assert [each["variable"] for each in done.findings] == ["proxy_cache_seconds"]
    assert not any(word in done.output for word in WORDS)


def test_a_secret_of_the_environment_may_be_missing(validator: Validator, tmp_path: Path) -> None:
    key = "{{ lookup('ansible.builtin.env', 'PVS_BRIDGE_TEST_KEY') }}"
    network = '        - ssid: home\n          passphrase: "{{ wifi_key }}"\n'
    files = {"bridges.yml": WIFI + network, "group_vars/all.yml": f'---\nwifi_key: "{key}"\n'}
    write(tmp_path, files)
    done = validator(tmp_path)
    assert done.status == 0, done.output
    assert "the environment variable PVS_BRIDGE_TEST_KEY, which is not set" in done.output
    strict = validator.json(tmp_path, "--strict")
    assert [each["variable"] for each in strict.findings] == ["uplink_networks[0].passphrase"]


def secret_options(options: dict[str, Any]) -> Iterator[str]:
    """Name the options that are secret, also within others."""
    for name, option in options.items():
        if option.get("no_log"):
            yield name
        yield from secret_options(option.get("options", {}))


@pytest.mark.parametrize("form", ["text", "json", "junit", "github"])
def test_no_form_of_the_report_shows_a_secret(
    validator: Validator, tmp_path: Path, form: str
) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    bad = f"""\
      proxy_users: {{anna: {SECRET}}}
      ansible_become_password: {SECRET}
      health_password: {SECRET}
      health_user: anna
      compat_password: {SECRET}
      proxy_https_certificate: {SECRET}
      mqtt_password: {SECRET}
      notify_urls: [{SECRET}, "nfty://{SECRET}", "ntfy://{SECRET}"]
      uplink_networks:
        - ssid: home
          passphrase: {SECRET}
          psk: {SECRET}
        - passphrase: "{{{{ '{SECRET}' }}}}"
          security: {SECRET}
          hidden: {SECRET}
        - {SECRET}
"""
    specs = PROJECT.glob("roles/*/meta/argument_specs.yml")
    read = [yaml.safe_load(each.read_text())["argument_specs"] for each in specs]
    secrets = {name for each in read for name in secret_options(each)}
    assert "psk" in secrets
    assert [each for each in secrets if f" {each}: " not in bad] == []
    write(tmp_path, {"bridges.yml": GOOD + bad})
    done = validator(tmp_path, "--format", form, "--output", "output")
    assert done.status == 1
    assert not any(word in done.output + done.errors for word in WORDS)


def test_no_rendered_file_holds_a_secret(validator: Validator, tmp_path: Path) -> None:
    key = "5f10e4" + "ab" * 29
    networks = f"""\
        - ssid: home
          passphrase: {SECRET}
          security: wpa2-wpa3
        - ssid: barn
          psk: {key}
      health_user: anna
      health_password: {SECRET}
      proxy_users:
        anna: $6$sunflower$E6wFWSbzRRGkjAnCTq/RMAkFs5rkVhdjAUcYBFuYqE6{"x" * 43}
"""
    write(tmp_path, {"bridges.yml": WIFI + networks})
    done = validator.json(tmp_path, "--output", "output")
    assert (done.status, done.findings) == (0, []), done.output
    rendered = texts(tmp_path)
    assert not any(word in rendered for word in (*WORDS, "5f10e4"))
    assert "$5$placeholder$" in rendered


def test_an_encrypted_hash_of_a_user_is_not_a_finding(validator: Validator, tmp_path: Path) -> None:
    users = "      proxy_users:\n" + encrypted(tmp_path, "anna", "$6$abcdefgh$" + "a" * 86, 8)
    write(tmp_path, {"bridges.yml": GOOD + users})
    done = validator.json(tmp_path, "--output", "output")
    assert (done.status, done.findings) == (0, []), done.output
    (unreadable,) = done.report["bridges"][0]["unreadable"]
    assert unreadable["variable"] == "proxy_users.anna"
    assert "placeholder" in texts(tmp_path)
