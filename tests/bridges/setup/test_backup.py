"""A backup makes a new Pi the same bridge."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bridges.rollback.bridge import Bridge
from bridges.setup.test_package import DEVICE_LIST, FILE, changed, copy_to_pi, run

from pvs_bridge.history.day import Day, line_of
from pvs_image.debian_package import build_package
from pvs_lab import enter

PASSWORD = "of the broker"  # noqa: S105 - of this test
VARIABLES = f"mqtt_user: bridge\nmqtt_password: {PASSWORD}\n"
DAY = line_of(Day("2026-06-21", start=0, midnight=1_781_992_800, wh=12_500)).decode()
FINGERPRINT = "openssl x509 -in /etc/haproxy/pvs-bridge/self-signed.pem -noout -fingerprint -sha256"
SERVED = "openssl s_client -connect localhost:443 < /dev/null 2> /dev/null"
KEY = "/root/backup-key"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The package, and age, which the lab's package server does not offer."""
    folder = tmp_path_factory.mktemp("package")
    package = build_package(folder, int(time.time()))
    age = Path(shutil.copy(shutil.which("age") or "", folder / "age"))
    key = folder / Path(KEY).name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return [package, age, key, key.with_suffix(".pub")]


def lab_pi(name: str, files: list[Path]) -> Iterator[Bridge]:
    """A Pi with the package, but not set up."""
    pi = Bridge(name)
    pi.command("up", "--release=trixie", "--backend=networkmanager")
    try:
        pi.wait_for_boot()
        for file in files:
            copy_to_pi(pi, file)
        pi.output("bridge", f"install /root/age /usr/bin/age && chmod 600 {KEY}")
        pi.output("bridge", f"apt-get update && apt-get install --yes /root/{files[0].name}")
        yield pi
    finally:
        pi.command("down")


@pytest.fixture(scope="module")
def old(files: list[Path]) -> Iterator[Bridge]:
    """A bridge with a history."""
    yield from lab_pi("t-backup-old", files)


@pytest.fixture(scope="module")
def new(files: list[Path]) -> Iterator[Bridge]:
    """A new Pi."""
    yield from lab_pi("t-backup-new", files)


def identity(pi: Bridge) -> list[str]:
    """Return what makes a bridge the same one: certificate, SSH key, variables, past days."""
    commands = (
        FINGERPRINT, "cat /etc/ssh/ssh_host_ed25519_key.pub", f"cat {FILE}", "hostname",
        "pvs-bridge history export --csv day | grep 2026-06",
    )  # fmt: skip
    return [pi.output("bridge", command) for command in commands]


@pytest.mark.slow
def test_a_new_pi_becomes_the_same_bridge(old: Bridge, new: Bridge, tmp_path: Path) -> None:
    old.output("bridge", "hostnamectl set-hostname garage")
    run(old, "setup --yes")
    old.output("bridge", f"printf '{VARIABLES}' >> {FILE}")
    run(old, "apply")
    old.output("bridge", f"printf '%s' '{DAY}' | pvs-bridge history import -")
    # As over SSH, where the backup never is on the Pi.
    backup = tmp_path / "garage.age"
    command = f"pvs-bridge backup --recipients-file {KEY}.pub -"
    with backup.open("wb") as file:
        subprocess.run(
            enter.command_on(old.name, "bridge", ["sh", "-c", command]), stdout=file, check=True
        )
    assert PASSWORD.encode() not in backup.read_bytes()
    copy_to_pi(new, backup)
    restore = f"restore /root/garage.age --identity {KEY}"

    status, said = new.run("bridge", f"pvs-bridge {restore} < /dev/null")
    assert status == 1
    assert "Backup of garage" in said
    assert "no terminal to ask" in said
    assert new.run("bridge", f"test -e {FILE}")[0] != 0

    run(new, f"{restore} --yes")
    assert identity(new) == identity(old)
    assert new.output("bridge", f"stat --format=%a {FILE}") == "600\n"
    bridge = DEVICE_LIST.format(port=80).replace("raspberrypi", "garage")
    assert new.until(lambda: new.run("client", bridge)[0] == 0)
    served = f"{SERVED} | openssl x509 -noout -fingerprint -sha256"
    assert new.until(lambda: new.run("bridge", served) == (0, identity(old)[0]))

    assert changed(run(new, f"{restore} --yes")) == 0
    assert identity(new) == identity(old)
