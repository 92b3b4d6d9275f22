"""The login in userconf.txt and authorized_keys is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pvs_bridge.boot_config import login
from pvs_bridge.boot_config.boot_partition import BootPartition

_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJxR0zYpNpVr0Tm6l5pZr0zYpNpVr0Tm6l5pZr0zYpNp"
_HASH = "$6$salt$abcdefghijklmnop"


def test_without_files_there_is_no_login(partition: BootPartition) -> None:
    assert login.read(partition) == (login.Login(), [], [])


@pytest.mark.parametrize("name", ["userconf", "userconf.txt", "USERCONF.TXT"])
def test_name_password_and_keys_are_read(partition: BootPartition, name: str) -> None:
    (partition.folder / name).write_text(f"anna:{_HASH}\r\n")
    (partition.folder / "authorized_keys").write_text(
        f'# mine\r\n{_KEY} anna@laptop\r\n\r\nfrom="192.168.1.0/24" {_KEY}\n'
    )
    found, issues, notes = login.read(partition)
    assert (found.user, found.password_hash, issues, notes) == ("anna", _HASH, [], [])
    assert found.keys == (f"{_KEY} anna@laptop", f'from="192.168.1.0/24" {_KEY}')


def test_a_user_may_have_no_password(partition: BootPartition) -> None:
    (partition.folder / "userconf.txt").write_text("anna:!\n")
    found, *issues = login.read(partition)
    assert (found.user, found.password_hash) == ("anna", "!")
    assert not any(issues)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("userconf.txt", "anna:password", "userconf.txt line 1: must be NAME:HASH. Hint: "),
        ("userconf.txt", f"root; x:{_HASH}", "userconf.txt line 1: must be NAME:HASH. Hint: "),
        (
            "authorized_keys",
            f"{_KEY}\nssh-ed25519\n",
            "authorized_keys line 2: must be a public key",
        ),
        (
            "authorized_keys",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n",
            "authorized_keys line 1: is a private key",
        ),
    ],
)
def test_an_unusable_login_is_reported(
    partition: BootPartition, name: str, text: str, message: str
) -> None:
    (partition.folder / name).write_text(text)
    _, (issue,), _ = login.read(partition)
    assert str(issue).startswith(message)


@pytest.mark.parametrize(
    ("wanted", "rules"),
    [
        (login.Login(form_user="anna.mueller"), ["anna.mueller"]),
        (login.Login(form_user="ALL"), []),
        (login.Login(form_user="a ALL=(ALL) ALL, b"), []),
    ],
)
def test_only_a_plain_name_becomes_root_without_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: login.Login, rules: list[str]
) -> None:
    file = tmp_path / "sudoers"
    monkeypatch.setattr(login, "_SUDO", file)
    login.provide(wanted)
    assert file.read_text() == "".join(f"{name} ALL=(ALL) NOPASSWD: ALL\n" for name in rules)
