"""What OpenSSH decides, the doctor does: address, user, keys, the way, and who is known."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bridgectl.doctor.ssh_config import known_keys, resolve
from bridgectl.errors import CannotWorkError

pytestmark = pytest.mark.needs_system

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIGmJ0j9tQ8Y2cP0fAmVnQv8nmX6PLRtZpZJ0gq0mZzXn"
OTHER = "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def config(folder: Path, text: str) -> list[str]:
    """Write a configuration of ssh; how ssh is called with it."""
    file = folder / "config"
    file.write_text(text)
    return ["-F", str(file)]


def known(folder: Path, text: str, *options: str) -> list[str]:
    """Write a file of known hosts; how ssh is called with it alone."""
    file = folder / "known_hosts"
    file.write_text(text)
    return ["-F", "none", "-o", f"UserKnownHostsFile={file}", "-o", "GlobalKnownHostsFile=none",
            *options]  # fmt: skip


def test_a_person_s_own_configuration_holds(tmp_path: Path) -> None:
    key = tmp_path / "key of mine"
    key.write_text("")
    (tmp_path / "included").write_text("Host garage*\n  Port 2222\n")
    settings = resolve("garage.local", config(tmp_path, f"""
Include {tmp_path}/included
Match host garage.local
  HostName 192.168.1.34
  User anna
Host *
  IdentityFile "{key}"
  IdentityFile {tmp_path}/missing
  User nobody
"""))  # fmt: skip
    assert (settings.address, settings.port, settings.user) == ("192.168.1.34", 2222, "anna")
    assert settings.key_files == (key,)
    assert settings.known_as == "[192.168.1.34]:2222"
    assert settings.proxy is None


def test_the_inventory_s_arguments_win(tmp_path: Path) -> None:
    settings = resolve(
        "garage", [*config(tmp_path, "User anna\nPort 2222\n"), "-l", "pi", "-p", "22"]
    )
    assert (settings.user, settings.port, settings.known_as) == ("pi", 22, "garage")


def test_a_command_in_between_gets_its_tokens(tmp_path: Path) -> None:
    settings = resolve(
        "garage", config(tmp_path, "ProxyCommand nc -X 5 %h %p # %%h %r\nUser anna\n")
    )
    assert settings.proxy == "exec nc -X 5 garage 22 # %h anna"


def test_a_jump_host_is_gone_through_by_ssh_itself(tmp_path: Path) -> None:
    arguments = config(tmp_path, "ProxyJump first,anna@second:2200\n")
    assert resolve("garage", arguments).proxy == (
        f"exec ssh -F {tmp_path}/config -J first -p 2200 -o BatchMode=yes -W '[garage]:22' "
        "anna@second"
    )


@pytest.mark.parametrize(
    ("text", "agent"),
    [("", None), ("IdentityAgent none", ""), ("IdentityAgent /run/agent", "/run/agent")],
)
def test_the_agent_is_the_one_that_ssh_asks(tmp_path: Path, text: str, agent: str | None) -> None:
    assert resolve("garage", config(tmp_path, f"{text}\n")).agent == agent


@pytest.mark.parametrize(("word", "strict"), [("yes", True), ("ask", False), ("accept-new", False)])
def test_who_is_strict_is_taken_at_their_word(tmp_path: Path, word: str, strict: bool) -> None:
    assert resolve("g", config(tmp_path, f"StrictHostKeyChecking {word}\n")).strict == strict


def test_what_ssh_refuses_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotWorkError, match="Bad configuration option: colour"):
        resolve("garage", config(tmp_path, "Colour blue\n"))


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("garage.local", f"garage.local ssh-ed25519 {KEY}"),
        ("garage.local", f"other,*.local ssh-ed25519 {KEY} a comment"),
        ("[garage.local]:2222", f"[garage.local]:2222 ssh-ed25519 {KEY}"),
    ],
)
def test_a_known_host_is_found(tmp_path: Path, host: str, line: str) -> None:
    port = ["-p", "2222"] if "2222" in host else []
    found = known_keys(resolve("garage.local", known(tmp_path, f"{line}\n", *port)))
    assert [(each.kind, each.key, each.revoked) for each in found] == [("ssh-ed25519", KEY, False)]


def test_a_known_host_is_found_behind_its_hash(tmp_path: Path) -> None:
    arguments = known(tmp_path, f"garage.local ssh-ed25519 {KEY}\nshed ssh-ed25519 {OTHER}\n")
    hashing = ["ssh-keygen", "-H", "-f", str(tmp_path / "known_hosts")]
    subprocess.run(hashing, check=True, capture_output=True)
    assert "garage" not in (tmp_path / "known_hosts").read_text()
    assert [each.key for each in known_keys(resolve("garage.local", arguments))] == [KEY]


def test_a_host_is_looked_up_by_the_name_that_ssh_gives_it(tmp_path: Path) -> None:
    text = f"shed ssh-ed25519 {KEY}\ngarage ssh-ed25519 {OTHER}\n"
    settings = resolve("garage", known(tmp_path, text, "-o", "HostKeyAlias=shed", "-p", "2222"))
    assert [each.key for each in known_keys(settings)] == [KEY]


def test_a_revoked_key_is_marked_and_an_authority_is_ignored(tmp_path: Path) -> None:
    text = f"@revoked * ssh-ed25519 {KEY}\n@cert-authority * ssh-ed25519 {OTHER}\n"
    found = known_keys(resolve("garage", known(tmp_path, text)))
    assert [(each.key, each.revoked) for each in found] == [(KEY, True)]
