"""Who gets in by SSH, and how."""

from __future__ import annotations

import subprocess

import pytest

from pvs_lab.lab_client import LabClient
from pvs_lab.paths import lab_dir


def said(lab: LabClient, *options: str) -> tuple[int, str]:
    """Log in again with more options; return the exit status and the messages of ssh."""
    done = subprocess.run(
        ["ssh", "-F", f"{lab_dir(lab.name)}/ssh_config", "-o", "ControlPath=none",
         "-o", "BatchMode=yes", *options, "bridge", "true"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_a_key_lets_in(lab: LabClient) -> None:
    assert said(lab)[0] == 0


def test_nothing_but_a_key_is_asked_for(lab: LabClient) -> None:
    status, words = said(lab, "-oPubkeyAuthentication=no")
    assert status != 0
    assert "Permission denied (publickey)." in words


@pytest.mark.parametrize(
    "options",
    [
        ["-oKexAlgorithms=ecdh-sha2-nistp256,diffie-hellman-group14-sha256"],
        ["-oMACs=hmac-sha1,hmac-sha2-256,umac-64-etm@openssh.com", "-oCiphers=aes128-ctr"],
        ["-oHostKeyAlgorithms=ssh-rsa"],
    ],
    ids=["key exchange", "MAC", "host key"],
)
def test_nothing_weak_is_agreed_upon(lab: LabClient, options: list[str]) -> None:
    status, words = said(lab, *options)
    assert status != 0
    assert "no matching" in words


def test_what_others_configure_comes_too_late(lab: LabClient) -> None:
    other = "/etc/ssh/sshd_config.d/50-cloud-init.conf"
    lab.output("bridge", f"echo PasswordAuthentication yes > {other}")
    try:
        assert "\npasswordauthentication no\n" in lab.output("bridge", "sshd -T")
    finally:
        lab.output("bridge", f"rm {other}")
