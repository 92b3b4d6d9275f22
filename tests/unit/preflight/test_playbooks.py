"""Both action plugins in real runs of ansible-playbook: what a person gets to read."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable

import pytest

ROOT = pathlib.Path(__file__).parents[3]

# Prints what the real ssh, sudo and sh print in each case, chosen by the host's name.
FAKE_SSH = """\
#!/bin/sh
# A program that exits without reading its input makes Ansible report a broken pipe at times.
cat >/dev/null
case "$*" in
*refused-key*)
    echo "pi@refused-key: Permission denied (publickey)." >&2; exit 255 ;;
*new-key*)
    echo "No ED25519 host key is known for new-key and you have requested strict checking." >&2
    echo "Host key verification failed." >&2; exit 255 ;;
*other-key*)
    echo "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @" >&2
    echo "Host key verification failed." >&2; exit 255 ;;
*asks-sudo*)
    echo "sudo: a password is required" >&2; exit 1 ;;
*no-sudoer*)
    echo "pi is not in the sudoers file." >&2; exit 1 ;;
*no-python*)
    echo "/bin/sh: 1: /usr/bin/python3: not found" >&2; exit 127 ;;
*old-system*)
    echo '{"changed": false, "bridge": {"os": {"id": "raspbian", "codename": "bullseye",' \\
        '"pretty_name": "Raspbian GNU/Linux 11 (bullseye)"}}}' ;;
esac
"""


@dataclasses.dataclass(frozen=True)
class Run:
    """What ansible-playbook did.

    Attributes:
        status: its exit status.
        output: all that it printed.
    """

    status: int
    output: str

    def recap(self, host: str) -> dict[str, int]:
        """Return the host's line of the recap."""
        line = next(each for each in self.output.splitlines() if re.match(rf"{host}\s+: ok", each))
        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}

    def message(self, host: str) -> str:
        """Return what the host's failed task says, on one line."""
        return " ".join(self._failure(host).split())

    def findings(self, host: str) -> list[str]:
        """Return what the host's failed task says, line by line, without the hints."""
        _, _, message = self._failure(host).partition("FAILED! => \n")
        lines = [line.strip().partition("; ") for line in message.splitlines() if line]
        assert all(hint for _, _, hint in lines[1:])
        return [problem for problem, _, _ in lines]

    def _failure(self, host: str) -> str:
        blocks = re.split(
            r"^(?=fatal: |ok: |\[ERROR\]|\[WARNING\]|\n(?:PLAY|TASK) RECAP)",
            self.output,
            flags=re.M,
        )
        return next(each for each in blocks if each.startswith(f"fatal: [{host}]: FAILED!"))


Play = Callable[..., Run]


@pytest.fixture
def play(tmp_path: pathlib.Path) -> Play:
    """Write files into a directory of its own and run its ``play.yml`` there."""

    def run(*arguments: str, **files: str) -> Run:
        for name, text in files.items():
            target = tmp_path / name.replace("__", "/")
            target = target.with_suffix(".yml")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(textwrap.dedent(text), "utf-8")
        program = pathlib.Path(sys.executable).with_name("ansible-playbook")
        finished = subprocess.run(
            [program, "-i", "inventory.yml", "play.yml", *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_HOME": str(tmp_path / "home"),
                "ANSIBLE_NOCOLOR": "1",
                "COLUMNS": "1000",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return Run(finished.returncode, finished.stdout)

    return run


LOOK = """\
    - hosts: all
      gather_facts: false
      tasks:
        - pvs_bridge.core.bridge_facts:
            packages: [dpkg, no-such-package]
          register: found
        - assert:
            that:
              - found is not changed
              - found.bridge.packages.keys() | list == ['dpkg']
              - "'lo' not in found.bridge.interfaces"
              - found.bridge.os.id == 'debian'
"""


@pytest.mark.needs_system
def test_every_failed_connection_is_one_clear_failure_and_not_unreachable(
    play: Play, tmp_path: pathlib.Path
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(FAKE_SSH, "utf-8")
    ssh.chmod(0o755)
    expected = {
        "refused-key": ("refuses the login", "ssh-copy-id pi@refused-key"),
        "new-key": ("not in known_hosts yet", "ssh pi@new-key"),
        "other-key": ("known_hosts", "ssh-keygen -R other-key"),
        "asks-sudo": ("sudo asks pi", "ARGS=--ask-become-pass"),
        "no-sudoer": ("may not use sudo", "NOPASSWD"),
        "no-python": ("/usr/bin/python3 is missing", "install -y python3"),
        "old-system": (
            "runs Raspbian GNU/Linux 11 (bullseye), which is not supported",
            "write a new card with `make image`, or upgrade the Pi to Debian 12",
        ),
        "closed-port": ("127.0.0.1 port 1 does not accept SSH", "ansible_host"),
    }
    hosts = dict.fromkeys(expected, f"{{ansible_ssh_executable: {ssh}}}")
    hosts["closed-port"] = "{ansible_host: 127.0.0.1, ansible_port: 1}"
    lines = "\n".join(f"    {name}: {variables}" for name, variables in hosts.items())
    inventory = f"all:\n  vars: {{ansible_user: pi}}\n  hosts:\n{lines}\n"

    result = play("--check", inventory=inventory, play=LOOK)

    assert result.status == 2, result.output
    for host, (problem, hint) in expected.items():
        message = result.message(host)
        assert f"{host}: " in message
        assert problem in message
        assert message.count("Hint: ") == 1
        assert hint in message.partition("Hint: ")[2]
        assert (result.recap(host)["failed"], result.recap(host)["unreachable"]) == (1, 0)
    assert "UNREACHABLE" not in result.output
    assert "Traceback" not in result.output


def test_a_look_at_this_machine_succeeds_without_a_change(play: Play) -> None:
    inventory = """\
        all:
          hosts:
            garage: {ansible_connection: local, ansible_become: false}
    """
    result = play(
        "--check", inventory=inventory, play=LOOK.replace("'debian'", "found.bridge.os.id")
    )
    assert result.status == 0, result.output
    assert result.recap("garage")["ok"] == 2


CHECK = """\
    - hosts: all
      gather_facts: false
      tasks:
        - pvs_bridge.core.preflight:
            roles: [common, pvs_link, uplink, proxy, compat, console_dns, health]
"""


def test_preflight_names_file_and_line_of_every_mistake_and_shows_no_secret(
    play: Play, tmp_path: pathlib.Path, roles_directory: pathlib.Path
) -> None:
    (tmp_path / "roles").symlink_to(roles_directory)
    result = play(
        "-e",
        '{"proxy_stats_port": 443, "proxy_http_prt": 1}',
        inventory="""\
            all:
              hosts:
                garage:
                shed:
                attic:
              vars:
                ansible_host: 192.0.2.1
                health_client: "{{ home_client }}"
                home_client: controller
                home_name: home
                uplink_country: US
                uplink_mdns: true
                uplink_networks:
                  - ssid: "{{ home_name }}"
                    passphrase: correct horse
                  - ssid: guests
                    passphrase: "{{ guest_passphrase | default(omit) }}"
                    security: "{{ 'open' if proxy_http_port == 80 else 'wpa2' }}"
        """,
        host_vars__garage="""\
            uplink_country: NO
            uplink_networks:
              - ssid: "{{ home_name }}"
                passphrase: "secret1{{"
              - "{{ second }}"
              - ssid: third
                passphrase: "secret3{{ lost }}"
            second:
              ssid: second
              passphrase: secret
            uplink_method: static
            uplink_adress: 192.168.1.2/24
            uplink_hostname: "{{ inventory_hostname }}_x"
        """,
        host_vars__attic="""\
            health_limits: {soft: null}
            uplink_mdns: true
            uplink_networks:
              - ssid: home
                passphrase: !vault |
                  $ANSIBLE_VAULT;1.1;AES256
                  6162
        """,
        play=CHECK,
    )
    assert result.status == 2
    assert result.findings("garage") == [
        "garage: 10 errors in its variables",
        "host_vars/garage.yml:4: uplink_networks[0].passphrase: is not a valid template",
        "host_vars/garage.yml:7: uplink_networks[2].passphrase: refers to lost, which is undefined",
        "host_vars/garage.yml:10: uplink_networks[1].passphrase: must have 8 to 63 bytes in UTF-8, "
        "got 6",
        "host_vars/garage.yml:12: uplink_adress: is an unknown variable",
        "host_vars/garage.yml:13: uplink_hostname: must be a host name without a dot, got "
        "'garage_x'",
        "proxy_http_prt: is an unknown variable",
        # ansible-core adds no origin to false, and the key has the origin of the group.
        "uplink_country: must be a string, got true or false",
        "uplink_address: must be set, because uplink_method is static",
        "uplink_gateway: must be set, because uplink_method is static",
        "uplink_dns_servers: must be set, because uplink_method is static",
    ]
    assert result.findings("attic") == [
        "attic: 3 errors in its variables",
        "host_vars/attic.yml:1: health_limits.soft: has no value (YAML reads null)",
        "host_vars/attic.yml:5: uplink_networks[0].passphrase: cannot be decrypted",
        "proxy_http_prt: is an unknown variable",
    ]
    assert result.findings("shed") == [
        "shed: 1 error in its variables",
        "proxy_http_prt: is an unknown variable",
    ]
    assert "secret" not in result.output
    for host in ("garage", "shed", "attic"):
        assert (result.recap(host)["failed"], result.recap(host)["unreachable"]) == (1, 0)


def test_a_mistake_is_shown_once_and_in_full_to_programs(
    play: Play, tmp_path: pathlib.Path, roles_directory: pathlib.Path
) -> None:
    (tmp_path / "roles").symlink_to(roles_directory)
    inventory = """\
        all:
          hosts:
            garage: {uplink_type: ethernt, health_client: controller}
    """
    assert play(inventory=inventory, play=CHECK).output.count("did you mean ethernet?") == 1
    verbose = play("-v", inventory=inventory, play=CHECK).output
    assert "issues:" in verbose
    assert "Origin: " in verbose


def test_a_failed_connection_is_shown_once(play: Play) -> None:
    inventory = "all:\n  hosts:\n    garage: {ansible_host: 127.0.0.1, ansible_port: 1}\n"
    assert play("--check", inventory=inventory, play=LOOK).output.count("Hint: ") == 1


def test_a_variable_of_another_project_is_a_note_at_group_level(
    play: Play, tmp_path: pathlib.Path, roles_directory: pathlib.Path
) -> None:
    (tmp_path / "roles").symlink_to(roles_directory)
    result = play(
        inventory="""\
            all:
              vars:
                uplink_monitoring_token: abc
                proxy_http_prt: 80
              hosts:
                garage: {uplink_type: ethernet, health_client: controller}
                shed:
                  uplink_type: ethernet
                  health_client: controller
                  uplink_monitoring_url: abc
        """,
        play=CHECK,
    )
    assert result.findings("garage") == [
        "garage: 1 error in its variables",
        "inventory.yml:4: proxy_http_prt: is an unknown variable",
    ]
    assert result.findings("shed")[1:] == [
        "inventory.yml:4: proxy_http_prt: is an unknown variable",
        "inventory.yml:10: uplink_monitoring_url: is an unknown variable",
    ]
    assert "inventory.yml:3: uplink_monitoring_token: is an unknown variable" in result.output


def test_preflight_passes_a_good_bridge_and_names_a_role_that_is_not_there(
    play: Play, tmp_path: pathlib.Path, roles_directory: pathlib.Path
) -> None:
    (tmp_path / "roles").symlink_to(roles_directory)
    result = play(
        "--check",
        inventory="""\
            all:
              hosts:
                garage: {uplink_type: ethernet, health_client: controller}
        """,
        play=CHECK + CHECK.replace("common, pvs_link", "garden"),
    )
    assert result.status == 2
    assert result.recap("garage")["ok"] == 1
    assert re.search(r"role garden must be in one of: .*roles.* Hint: correct", result.output)


def test_preflight_knows_the_commands_of_the_roles_themselves_and_shows_no_password(
    play: Play, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "roles").symlink_to(ROOT / "roles")
    result = play(
        inventory="""\
            all:
              hosts:
                garage: {uplink_type: ethernet}
        """,
        host_vars__garage="""\
            proxy_allow_commands:
              - SetAP
              - startdiscovery
            proxy_command_cache_seconds:
              DeviceList: 300
              DeviceLst: 300
            proxy_users:
              alice: secret1
              bob: "{{ 'secret2' }}"
        """,
        play=CHECK,
    )
    assert result.status == 2
    assert result.findings("garage") == [
        "garage: 5 errors in its variables",
        "host_vars/garage.yml:2: proxy_allow_commands: allows commands that change a power plant",
        "host_vars/garage.yml:3: proxy_allow_commands[1]: must be a command that writes, got "
        "'startdiscovery'",
        "host_vars/garage.yml:6: proxy_command_cache_seconds.DeviceLst: must be a command or "
        "path whose answer may be cached",
        "host_vars/garage.yml:8: proxy_users.alice: must be a password hash (SHA-256 or SHA-512 of "
        "crypt)",
        "host_vars/garage.yml:9: proxy_users.bob: must be a password hash (SHA-256 or SHA-512 of "
        "crypt)",
    ]
    assert "did you mean StartDiscovery?" in result.output
    assert "secret" not in result.output


def test_a_playbook_that_is_called_from_another_folder_finds_roles_and_collection(
    tmp_path: pathlib.Path,
) -> None:
    (tmp_path / "home.yml").write_text(
        "pvs_bridges:\n  hosts:\n    garage: {uplink_type: ethernet, uplink_interfac: eth1}\n"
    )
    environment = {key: each for key, each in os.environ.items() if key != "ANSIBLE_CONFIG"}
    for name in ("site", "health"):
        done = subprocess.run(
            ["ansible-playbook", "-i", "home.yml", str(ROOT / f"ansible/{name}.yml")],
            cwd=tmp_path,
            env={**environment, "ANSIBLE_HOME": str(tmp_path), "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, done.stdout + done.stderr
        assert "home.yml:3: uplink_interfac: is an unknown variable" in done.stdout


def test_the_health_of_an_unreachable_pi_has_one_hint(tmp_path: pathlib.Path) -> None:
    (tmp_path / "home.yml").write_text(
        "pvs_bridges:\n  hosts:\n    garage: {ansible_host: 127.0.0.1, ansible_port: 1,"
        " uplink_type: ethernet, uplink_interface: eth1, health_required: false}\n"
    )
    done = subprocess.run(
        ["ansible-playbook", "-i", tmp_path / "home.yml", "ansible/health.yml"],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    said = done.stdout + done.stderr
    assert said.count("127.0.0.1 port 1 does not accept SSH") == 1, said
    assert said.count("Hint: check ansible_host and ansible_port") == 1
    assert "UNREACHABLE" not in said
