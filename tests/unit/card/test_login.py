"""Who may log in, as the old way's files say."""

from __future__ import annotations

import pytest

from pvs_bridge.boot_config import login
from pvs_bridge.boot_config.boot_partition import BootPartition

_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJxR0zYpNpVr0Tm6l5pZr0zYpNpVr0Tm6l5pZr0zYpNp"
_HASH = "$6$salt$abcdefghijklmnop"


def test_without_files_nobody_is_described(partition: BootPartition) -> None:
    assert login.read(partition) == login.Login()


@pytest.mark.parametrize("name", ["userconf", "userconf.txt", "USERCONF.TXT"])
def test_name_and_password_and_keys_are_read(partition: BootPartition, name: str) -> None:
    (partition.folder / name).write_text(f"anna:{_HASH}\r\n")
    (partition.folder / "authorized_keys").write_text(
        f'# mine\r\n{_KEY} anna@laptop\r\n\r\nfrom="192.168.1.0/24" {_KEY}\n'
    )
    found = login.read(partition)
    assert (found.user, found.password_hash, found.mistakes) == ("anna", _HASH, ())
    assert found.keys == (f"{_KEY} anna@laptop", f'from="192.168.1.0/24" {_KEY}')


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("userconf.txt", "anna:password", "userconf.txt line 1: is not NAME:HASH. Hint: "),
        ("userconf.txt", f"root; x:{_HASH}", "userconf.txt line 1: is not NAME:HASH. Hint: "),
        ("authorized_keys", f"{_KEY}\nssh-ed25519\n", "authorized_keys line 2: is no public key"),
        ("authorized_keys", "-----BEGIN OPENSSH PRIVATE KEY-----\n", "authorized_keys line 1: is"),
    ],
)
def test_what_lets_nobody_in_is_told(
    partition: BootPartition, name: str, text: str, said: str
) -> None:
    (partition.folder / name).write_text(text)
    (mistake,) = login.read(partition).mistakes
    assert mistake.startswith(said)
