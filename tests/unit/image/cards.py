"""A small root file system with every property that an image must preserve, and helpers."""

from __future__ import annotations

import dataclasses
import io
import subprocess
import tarfile
from pathlib import Path

EPOCH = 1_700_000_000
# cap_net_raw=ep, in the kernel's format.
CAPABILITY = "\x01\0\0\x02\0\x20\0\0" + "\0" * 12
STATUS = """\
Package: haproxy
Status: install ok installed
Maintainer: Debian HAProxy Maintainers <team+haproxy@tracker.debian.org>
Architecture: arm64
Version: 3.0.11-1+deb13u1
Homepage: http://haproxy.org/
Description: fast and reliable load balancing reverse proxy
 HAProxy is a TCP/HTTP reverse proxy: with a line that has a colon.

Package: libssl3t64
Status: install ok installed
Maintainer: Debian OpenSSL Team <pkg-openssl-devel@alioth-lists.debian.net>
Architecture: arm64
Multi-Arch: same
Source: openssl (3.5.1-1)
Version: 3.5.1-1+b1

Package: nano
Status: deinstall ok config-files
Architecture: arm64
Version: 8.4-1
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: haproxy

Files: include/*
Copyright: 2000-2013 Willy Tarreau
License: LGPL-2.1

Files: *
Copyright: 2000-2015 Willy Tarreau
License: GPL-2+
 This program is free software.
"""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One file of a root file system.

    Attributes:
        path: relative to the root.
        content: a regular file's content; None for other kinds.
        mode: its permissions.
        owner: user id and group id.
        link: the target of a symbolic link.
        same_as: the target of a hard link.
        capability: whether it has cap_net_raw.
    """

    path: str
    content: bytes | None = None
    mode: int = 0o755
    owner: tuple[int, int] = (0, 0)
    link: str = ""
    same_as: str = ""
    capability: bool = False


ENTRIES = (
    Entry("."),
    Entry("boot"),
    Entry("boot/firmware"),
    Entry("boot/firmware/cmdline.txt", b"console=tty1 root=LABEL=RASPIROOT\n"),
    Entry("boot/firmware/kernel8.img", bytes(range(256)) * 5000),
    Entry("boot/firmware/overlays"),
    Entry("boot/firmware/overlays/a long name of an overlay.dtbo", b"overlay"),
    Entry("dev"),
    Entry("etc"),
    Entry("etc/os-release", b"VERSION_CODENAME=trixie\n", 0o644),
    Entry("etc/hostname", b"pvs-bridge\n", 0o644),
    Entry("etc/shadow", b"root:*:1:0:99999:7:::\n", 0o640, (0, 42)),
    Entry("home"),
    Entry("home/pi", mode=0o700, owner=(1000, 1000)),
    Entry('home/pi/a "quoted" näme', b"here\n", 0o600, (1000, 1001)),
    Entry("tmp", mode=0o1777),
    Entry("usr"),
    Entry("usr/bin"),
    Entry("usr/bin/one", b"#!/bin/sh\n"),
    Entry("usr/bin/ping", b"\x7fELF", capability=True),
    Entry("usr/bin/sudo", b"\x7fELF sudo", 0o4755),
    Entry("usr/bin/two", same_as="./usr/bin/one"),
    Entry('usr/bin/yet "another" näme', same_as="./usr/bin/one"),
    Entry("usr/share"),
    Entry("usr/share/doc"),
    Entry("usr/share/doc/haproxy"),
    Entry("usr/share/doc/haproxy/copyright", COPYRIGHT.encode(), 0o644),
    Entry("usr/share/zeros", bytes(5_000_000), 0o644),
    Entry("var"),
    Entry("var/lib"),
    Entry("var/lib/dpkg"),
    Entry("var/lib/dpkg/status", STATUS.encode(), 0o644),
    Entry("var/run", mode=0o777, link="/run"),
)


def write_rootfs(target: Path, *, more: tuple[Entry, ...] = (), without: str = "nothing") -> Path:
    """Write the tar of a root file system.

    Args:
        target: the tar.
        more: additional entries.
        without: leave out entries whose path starts with this.

    Returns:
        the tar.
    """
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for entry in (*ENTRIES, *more):
            if not entry.path.startswith(without):
                _add(tar, entry)
        device = tarfile.TarInfo("./dev/null")
        device.type = tarfile.CHRTYPE
        tar.addfile(device)
    return target


def _add(tar: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo("." if entry.path == "." else f"./{entry.path}")
    info.mtime, info.mode = EPOCH - 86400, entry.mode
    info.uid, info.gid = entry.owner
    content = io.BytesIO(entry.content or b"")
    if entry.link:
        info.type, info.linkname = tarfile.SYMTYPE, entry.link
    elif entry.same_as:
        info.type, info.linkname = tarfile.LNKTYPE, entry.same_as
    elif entry.content is None:
        info.type = tarfile.DIRTYPE
    else:
        info.size = len(entry.content)
    if entry.capability:
        info.pax_headers = {"SCHILY.xattr.security.capability": CAPABILITY}
    tar.addfile(info, content)


def members(rootfs_tar: Path) -> dict[str, tuple[object, ...]]:
    """Return the properties of each tar member, in a comparable form."""
    found: dict[str, tuple[object, ...]] = {}
    with tarfile.open(rootfs_tar) as tar:
        for each in tar:
            file = tar.extractfile(each) if each.isfile() else None
            found[each.name.removeprefix("./")] = (
                each.type,
                each.linkname,
                each.mode,
                each.uid,
                each.gid,
                int(each.mtime),
                each.pax_headers.get("SCHILY.xattr.security.capability"),
                file.read() if file else None,
            )
    return found


def output_of(*command: str | Path) -> str:
    """Return a program's output; it must succeed."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        list(map(str, command)), check=True, capture_output=True, text=True, env=environment
    ).stdout
