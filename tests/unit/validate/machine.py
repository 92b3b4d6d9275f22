"""The programs that judge files, out of the lab's images, for a machine that has none of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pvs_lab.image import Image, provide
from pvs_lab.recipes import recipe

_RELEASE = "trixie"
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_LOADER = "usr/lib64/ld-linux-x86-64.so.2"


def install(folder: Path) -> Path:
    """Make a folder of programs that run out of the images, by the images' own libraries.

    Args:
        folder: an empty one.

    Returns:
        the folder that belongs into PATH.
    """
    programs, unpacked = folder / "bin", folder / "unpacked"
    programs.mkdir()
    unpacked.mkdir()
    nm = provide(recipe(_RELEASE, "networkmanager"), print)
    dhcpcd = provide(recipe(_RELEASE, "dhcpcd"), print)
    for package in sorted(nm.packages.glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", str(package), str(unpacked)], check=True)
    for path in (unpacked / "usr/sbin/haproxy", unpacked / "usr/sbin/nft"):
        _wrap(programs, path, nm, unpacked)
    for name in ("usr/bin/nmcli", "usr/sbin/sshd", "usr/sbin/wpa_supplicant"):
        _wrap(programs, nm.root / name, nm, unpacked)
    _wrap(programs, dhcpcd.root / "usr/sbin/dhcpcd", dhcpcd, unpacked)
    return programs


def _wrap(programs: Path, program: Path, image: Image, unpacked: Path) -> None:
    """Make a script that runs a program with the libraries of the image that it is from."""
    libraries = ":".join(str(root / _LIBRARIES) for root in (unpacked, image.root))
    script = programs / program.name
    loader = image.root / _LOADER
    script.write_text(
        f'#!/bin/sh\nexec {loader} --library-path {libraries} {program} "$@"\n', encoding="utf-8"
    )
    script.chmod(0o755)
