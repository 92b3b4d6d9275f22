"""Every way in which the first contact goes wrong, in ssh's, sudo's and Ansible's own words."""

from __future__ import annotations

import pytest

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.contact import (
    Contact,
    diagnose,
    unsupported,
)

GARAGE = Contact("garage", "192.168.1.20", port=2222, user="pi")
PREFIX = (
    'Data could not be sent to remote host "192.168.1.20". '
    "Make sure this host can be reached over ssh: "
)
CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Host key for 192.168.1.20 has changed and you have requested strict checking.
Host key verification failed.
"""


@pytest.mark.parametrize(
    ("said", "problem", "hint"),
    [
        (
            PREFIX + "ssh: connect to host 192.168.1.20 port 2222: No route to host\r\n",
            "192.168.1.20 port 2222 cannot be reached: connect to host",
            "has power and Wi-Fi",
        ),
        (
            "Failed to connect to the host via ssh: ssh: connect to host 192.168.1.20 port 22: "
            "Connection timed out",
            "Connection timed out",
            "ansible_host is its address",
        ),
        (
            "ssh: connect to host 192.168.1.20 port 2222: Connection refused",
            "does not accept SSH: connect to host 192.168.1.20 port 2222: Connection refused",
            "enable SSH",
        ),
        (
            "ssh: Could not resolve hostname garage.local: Name or service not known",
            "no address is known",
            "set ansible_host",
        ),
        (
            "Warning: Permanently added '192.168.1.20' (ED25519) to the list of known hosts.\n"
            "pi@192.168.1.20: Permission denied (publickey).\n",
            "refuses the login: pi@192.168.1.20: Permission denied (publickey)",
            "ssh-copy-id -p 2222 pi@192.168.1.20",
        ),
        (
            "Received disconnect from 192.168.1.20 port 2222:2: Too many authentication failures",
            "refuses the login",
            "ansible_ssh_private_key_file",
        ),
        (
            "Permissions 0644 for 'id' are too open.\nLoad key \"id\": bad permissions\n"
            "pi@192.168.1.20: Permission denied (publickey).",
            "private key",
            "chmod 600",
        ),
        (CHANGED, "not the one in known_hosts", "ssh-keygen -R '[192.168.1.20]:2222'"),
        (
            "No ED25519 host key is known for 192.168.1.20 and you have requested strict checking."
            "\nHost key verification failed.",
            "not in known_hosts yet",
            "`ssh -p 2222 pi@192.168.1.20` once",
        ),
        ("Missing sudo password", "sudo asks pi", "ARGS=--ask-become-pass"),
        ("sudo: a password is required\n", "sudo asks pi", "pi ALL=(ALL) NOPASSWD: ALL"),
        (
            "Timeout (12s) waiting for privilege escalation prompt: ",
            "sudo asks pi",
            "--ask-become-pass",
        ),
        ("Incorrect sudo password", "does not accept the password", "--ask-become-pass"),
        ("pi is not in the sudoers file.", "pi may not use sudo", "NOPASSWD"),
        (
            "Sorry, user pi is not allowed to execute '/bin/sh -c x' as root on garage.",
            "pi may not use sudo",
            "NOPASSWD",
        ),
        ("/bin/sh: 1: sudo: not found", "sudo is not installed", "apt-get install sudo"),
        (
            "/bin/sh: 1: /usr/bin/python3: not found",
            "/usr/bin/python3 is missing",
            "apt-get install -y python3",
        ),
        (
            "ansible-core requires a minimum of Python version 3.9. Current version: 3.7.3",
            "older than Ansible can use",
            "bookworm",
        ),
        ("    x: int = 1\nSyntaxError: invalid syntax", "older than Ansible can use", "trixie"),
        ("sudo: Ein Passwort ist notwendig", "sudo refuses: sudo: Ein Passwort", "NOPASSWD"),
        (
            "kex_exchange_identification: Connection closed by remote host",
            "does not accept SSH",
            "enable SSH",
        ),
        ("", "no error message", "run `ssh -p 2222 pi@192.168.1.20"),
        ("lua error\nsomething new happened.", "something new happened. Hint", "run `ssh"),
    ],
    ids=lambda each: each.strip()[-30:],
)
def test_a_failed_contact_has_one_line_with_problem_and_hint(
    said: str, problem: str, hint: str
) -> None:
    message = f"garage: {diagnose(GARAGE, said).sentence}."
    before, _, after = message.partition(" Hint: ")
    assert message.startswith("garage: ")
    assert problem in before + " Hint"
    assert hint in after
    assert "\n" not in message


def test_port_22_and_an_unknown_user_are_left_out_of_commands() -> None:
    message = diagnose(Contact("garage", "garage.local"), "Host key verification failed.")
    assert "`ssh garage.local` once" in message.hint


@pytest.mark.parametrize("codename", ["bookworm", "trixie"])
@pytest.mark.parametrize("identifier", ["debian", "raspbian"])
def test_the_supported_releases_are_accepted(identifier: str, codename: str) -> None:
    assert unsupported({"id": identifier, "codename": codename, "pretty_name": "x"}) is None


@pytest.mark.parametrize(
    ("identifier", "codename", "name"),
    [
        ("raspbian", "bullseye", "Raspbian GNU/Linux 11 (bullseye)"),
        ("debian", "bullseye", "Debian GNU/Linux 11 (bullseye)"),
        ("ubuntu", "noble", "Ubuntu 24.04 LTS"),
        ("debian", "forky", "Debian GNU/Linux forky/sid"),
        ("", "", ""),
    ],
)
def test_another_system_is_refused_by_its_name_with_those_that_would_do(
    identifier: str, codename: str, name: str
) -> None:
    found = unsupported({"id": identifier, "codename": codename, "pretty_name": name})
    assert found is not None
    assert (name or "unknown operating system") in found.problem
    assert "`make image`" in found.hint
    assert "Debian 12 (bookworm) or 13 (trixie)" in found.hint
