"""Can this machine run a lab? Asked before anything is made."""

from __future__ import annotations

import os
import shutil
import subprocess

from pvs_lab.errors import LabError

# Each command with the Debian package that brings it.
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


def check() -> None:
    """Refuse a machine that cannot run a lab.

    Raises:
        LabError: not root, a tool is missing, or the kernel refuses namespaces.
    """
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces, which needs root", "use sudo make ...")
    missing = sorted({package for name, package in COMMANDS.items() if not shutil.which(name)})
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
