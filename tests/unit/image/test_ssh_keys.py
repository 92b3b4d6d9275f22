"""SSH keys: only public keys are accepted; the default is all keys of the user."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.image.cards import output_of

from pvs_image.errors import ImageError
from pvs_image.ssh_keys import authorized_keys

pytestmark = pytest.mark.needs_system


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with two keys."""
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True)
    for kind in ("ed25519", "ecdsa"):
        file = folder / ".ssh" / f"id_{kind}"
        output_of("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"me {kind}", "-f", file)
    return folder


def test_all_keys_of_the_user_are_the_default(home: Path) -> None:
    text = authorized_keys([], home)
    assert text.count("\n") == 2
    assert text.startswith("ecdsa-sha2-nistp256 ")
    assert text.endswith(" me ed25519\n")


def test_a_named_key_replaces_the_default_and_is_not_repeated(home: Path) -> None:
    file = home / ".ssh/id_ed25519.pub"
    assert authorized_keys([file, file], home) == file.read_text()


def test_an_authorized_keys_file_with_options_and_comments_is_accepted(home: Path) -> None:
    file = home / "authorized_keys"
    key = (home / ".ssh/id_ed25519.pub").read_text()
    file.write_text(f'# of the house\n\nrestrict,command="a b" {key}')
    assert authorized_keys([file], home) == f'restrict,command="a b" {key}'


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("id_ed25519", "is a private key"),
        ("none.pub", "cannot be read: No such file"),
        ("words", "key 2 is not an OpenSSH public key"),
        ("bytes", "cannot be read: it is not text"),
    ],
)
def test_a_file_that_is_not_a_public_key_is_refused(name: str, message: str, home: Path) -> None:
    folder = home / ".ssh"
    (folder / "words").write_text((folder / "id_ecdsa.pub").read_text() + "ssh-ed25519 AAAA me\n")
    (folder / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(ImageError, match=f"KEY=.*{name}.* {message}"):
        authorized_keys([folder / name], home)


def test_no_key_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="the Pi allows no login\n  hint: make one"):
        authorized_keys([], tmp_path)
