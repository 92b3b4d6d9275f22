"""A backup is encrypted by age; a wrong key or a damaged file is one clear error."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pvs_bridge.backup import age, archive, cli, contents
from pvs_bridge.backup.contents import VARIABLES, File
from pvs_bridge.errors import IssueError

pytestmark = pytest.mark.needs_system

FILES = {VARIABLES: File(b"mqtt_password: a secret\n" * 10_000, 0o600)}


@pytest.fixture(autouse=True)
def bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bridge with variables."""
    monkeypatch.setattr(contents, "collect", lambda _: FILES)
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key; the public one is beside it."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


@pytest.fixture
def backup(tmp_path: Path, key: Path) -> Path:
    """A backup for the key."""
    file = tmp_path / "garage.age"
    assert cli.main([str(file), "--recipients-file", f"{key}.pub"]) == 0
    return file


def refusal(file: Path, identity: Path) -> str:
    """Decrypt a file that must be refused; return the error."""
    with pytest.raises(IssueError) as caught:
        age.decrypt(file, identity, archive.read)
    return str(caught.value)


def test_the_key_opens_the_backup(backup: Path, key: Path) -> None:
    assert age.decrypt(backup, key, archive.read).files == FILES
    assert backup.stat().st_mode & 0o777 == 0o600
    assert b"secret" not in backup.read_bytes()


def test_another_key_does_not(backup: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    assert "cannot be decrypted" in refusal(backup, other)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_truncated_or_changed_backup_is_refused(backup: Path, key: Path, part: float) -> None:
    whole = backup.read_bytes()
    place = int(len(whole) * part)
    backup.write_bytes(whole[:place])
    assert "cannot be decrypted" in refusal(backup, key)
    backup.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert "cannot be decrypted" in refusal(backup, key)


def test_another_encrypted_file_is_refused(tmp_path: Path, key: Path) -> None:
    file = tmp_path / "other.age"
    with file.open("wb") as out:
        age.encrypt(
            ["--recipients-file", f"{key}.pub"], out, lambda stream: print(stream.write(b"x"))
        )
    assert "the backup cannot be read" in refusal(file, key)


def test_an_existing_file_stays(
    backup: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = backup.read_bytes()
    options = [str(backup), "--recipients-file", f"{key}.pub"]
    assert cli.main(options) == 1
    assert "exists already. Hint: name another file, or add --force" in capsys.readouterr().err
    assert backup.read_bytes() == before
    assert cli.main([*options, "--force"]) == 0
    assert backup.read_bytes() != before


def test_a_wrong_recipient_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([str(tmp_path / "new.age"), "--recipient", "age1wrong"]) == 1
    assert "the backup was not encrypted: " in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Path("/dev/full").open("wb") as full, pytest.raises(IssueError) as caught:
        age.encrypt(
            ["--recipients-file", f"{key}.pub"], full, lambda out: print(out.write(bytes(10**6)))
        )
    assert "no space left on device" in str(caught.value)
    capsys.readouterr()
