"""The end of the PVS's serial number is its password: no output and no log has it."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from bridges.compat.house import VARIABLES, House

# `openssl passwd -5 -salt first first`, and the same of second.
_HASHES = (
    "$5$first$vKphc80dauBr3fgbg83fTUyNwI8XdJNySQR2VBz4w2D",
    "$5$second$cgOKu1vs/bVplPFZa8P6abQtO58tLEEueacGKxc4Wn4",
)


def doctor(house: House, folder: Path) -> dict[str, str]:
    """Return the output of the doctor, and all texts of its bundle."""
    done = house.examine("--bundle", f"--output={folder}")
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = folder.iterdir()
    with tarfile.open(archive) as members:
        texts = [
            file.read().decode(errors="replace")
            for each in members
            if (file := members.extractfile(each))
        ]
    return {"doctor": done.stdout + done.stderr, "bundle": "\n".join(texts)}


def test_no_output_has_its_end(locked: House, tmp_path: Path) -> None:
    serial = str(locked.record()["serial"])
    (listed,) = locked.program("poll", "bridge", "0", "1")
    assert listed["result"] == "succeed"
    outputs = {
        "provision": locked.good_run(VARIABLES, "-vvv").output,
        "make health": locked.provision(VARIABLES, "-vvv", playbook="ansible/health.yml").output,
        "check": locked.provision(VARIABLES, "--check", "--diff", "-vvv").output,
        **doctor(locked, tmp_path),
        "health": locked.output("bridge", "pvs-bridge health; pvs-bridge health --json"),
        "journal": locked.output("bridge", "journalctl --no-pager --output=verbose"),
        "status": locked.output("client", "curl --silent http://bridge/bridge/status.json"),
        "metrics": locked.output("client", "curl --silent http://bridge/bridge/metrics"),
    }
    assert all(len(text) > 100 for text in outputs.values()), outputs
    assert [name for name, text in outputs.items() if serial[-5:] in text] == []
    # The health check from the home, and its verdict, are in the output.
    assert "Ask the bridge from the home network" in outputs["provision"]
    assert "12 panels" in outputs["make health"]
    assert "12 panels" in outputs["bundle"]


def test_only_private_files_of_the_services_have_it(locked: House) -> None:
    serial = str(locked.record()["serial"])
    found = locked.output(
        "bridge", f"grep -rlI --exclude-dir=journal {serial[-5:]} /etc /run /tmp /var /root /home"
    ).split()
    assert found, "the service has logged in"
    assert all(re.search("pvs-bridge-(compat|monitor)/", path) for path in found), found
    rights = locked.output("bridge", f"stat --format=%a {' '.join(found)}").split()
    assert all(each.endswith("0") for each in rights), dict(zip(found, rights, strict=True))


def test_an_old_password_is_nowhere_on_the_pi(locked: House) -> None:
    first, second = _HASHES
    try:
        for each in _HASHES:
            locked.provision({**VARIABLES, "proxy_users": {"anna": each}})
        search = "grep -rlF --exclude-dir=proc --exclude-dir=sys -e '{}' / 2> /dev/null || true"
        assert "/etc/haproxy/haproxy.cfg" in locked.output("bridge", search.format(second))
        assert locked.output("bridge", search.format(first)) == ""
    finally:
        locked.good_run(VARIABLES)
