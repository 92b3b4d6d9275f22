"""Check whether this machine can run a lab, before the lab is created."""

from __future__ import annotations

import os
import shutil
import subprocess

from pvs_lab.errors import LabError

# Each command with its Debian package.
COMMANDS = {
    "apt-ftparchive": "apt-utils",
    "curl": "curl",
    "dnsmasq": "dnsmasq-base",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "openssl": "openssl",
    "socat": "socat",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}


# For a lab whose Pi has a radio.
_RADIO_COMMANDS = {"mke2fs": "e2fsprogs", "qemu-system-x86_64": "qemu-system-x86"}
# For a lab whose Pi boots a flashed card.
_FLASHED_COMMANDS = {
    "mcopy": "mtools", "mke2fs": "e2fsprogs", "qemu-system-aarch64": "qemu-system-arm",
}  # fmt: skip


def check(*, radio: bool = False, flashed: bool = False) -> None:
    """Refuse a machine that cannot run a lab.

    Args:
        radio: whether its Pi is to have a radio.
        flashed: whether its Pi is to boot a card that was flashed.

    Raises:
        LabError: not root, a tool is missing, or the kernel refuses namespaces.
    """
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces, which needs root", "use sudo make ...")
    more = _FLASHED_COMMANDS if flashed else _RADIO_COMMANDS if radio else {}
    wanted = {**COMMANDS, **more}
    missing = sorted({package for name, package in wanted.items() if not shutil.which(name)})
    if missing:
        raise LabError(
            f"the lab lacks {', '.join(missing)}", f"apt-get install {' '.join(missing)}"
        )
    probe = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "ip", "link", "add",
         "probe", "type", "veth"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if probe.returncode:
        raise LabError(
            f"this machine cannot make network namespaces: {probe.stderr.strip()}",
            "run the lab on a real or virtual machine, or in a container started with --privileged",
        )
