"""The configuration files of a Pi, and which of them the roles have changed."""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import io
import tarfile
from collections.abc import Mapping

# Commands for the Pi. tar exits with 1 if a folder changes while it is read.
SHOW_FILES = "tar --create --file=- --directory=/ etc usr/local || test $? -eq 1"
SHOW_CONFFILES = "dpkg-query --show --showformat='${Conffiles}\\n'"

# Files that Debian's packages and services write, and files that differ on each Pi.
_IGNORED = (
    "*~", "*.dpkg-*", "*-", "etc/.pwd.lock", "etc/.updated", "etc/adjtime", "etc/alternatives/*",
    "etc/group", "etc/gshadow", "etc/ld.so.cache", "etc/machine-id", "etc/passwd", "etc/rc?.d/*",
    "etc/resolv.conf", "etc/shadow", "etc/ssh/*", "etc/subgid", "etc/subuid", "etc/udev/hwdb.bin",
    "usr/local/*.pyc",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class File:
    """A file of a Pi.

    Attributes:
        kind: ``file``, ``link`` or ``gone``.
        mode: in octal digits; empty for links and missing files.
        owner: user and group, as ``root:haproxy``; empty for missing files.
        content: of a file; the target of a link.
    """

    kind: str
    mode: str = ""
    owner: str = ""
    content: bytes = b""


def read_archive(archive: bytes) -> dict[str, File]:
    """Parse the output of :data:`SHOW_FILES`.

    Returns:
        files and links, by path without the leading slash.
    """
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for member in members:
            owner = f"{member.uname or member.uid}:{member.gname or member.gid}"
            if member.issym():
                found[member.name] = File("link", "", owner, member.linkname.encode())
            elif member.isreg() or member.islnk():
                content = members.extractfile(member)
                assert content is not None  # noqa: S101 - for the type checker: it is a file
                found[member.name] = File("file", f"{member.mode:04o}", owner, content.read())
    return found


def read_conffiles(shown: str) -> dict[str, str]:
    """Parse the output of :data:`SHOW_CONFFILES`.

    Returns:
        the MD5 sums of the original configuration files of Debian's packages, by path without the
        leading slash.
    """
    words = (line.split() for line in shown.splitlines())
    return {each[0].lstrip("/"): each[1] for each in words if len(each) > 1}


def changes(
    before: Mapping[str, File], after: Mapping[str, File], conffiles: Mapping[str, str]
) -> dict[str, File]:
    """Return the files that the roles have changed.

    Args:
        before: files before the run.
        after: files after the run.
        conffiles: MD5 sums of the original configuration files of Debian's packages.
    """
    changed = {path: file for path, file in after.items() if before.get(path) != file}
    gone = {path: File("gone") for path in before if path not in after}
    return {
        path: file
        for path, file in sorted({**changed, **gone}.items())
        if not any(fnmatch.fnmatchcase(path, pattern) for pattern in _IGNORED)
        and not _is_original(file, conffiles.get(path))
    }


def _is_original(file: File, md5: str | None) -> bool:
    digest = hashlib.md5(file.content, usedforsecurity=False).hexdigest()
    return file.kind == "file" and digest == md5
