"""What the roles have made of a card: its configuration before and after."""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import io
import tarfile
from collections.abc import Mapping

# Read on the Pi: all that a person configures, and what Debian's packages have put there. Status 1
# is a folder that changed while it was read, as a Pi's do.
SHOW_FILES = "tar --create --file=- --directory=/ etc usr/local || test $? -eq 1"
SHOW_CONFFILES = "dpkg-query --show --showformat='${Conffiles}\\n'"

# What Debian's packages and services write for themselves, and what is another one's on each Pi.
_IGNORED = (
    "*~", "*.dpkg-*", "*-", "etc/.pwd.lock", "etc/.updated", "etc/adjtime", "etc/alternatives/*",
    "etc/group", "etc/gshadow", "etc/ld.so.cache", "etc/machine-id", "etc/passwd", "etc/rc?.d/*",
    "etc/resolv.conf", "etc/shadow", "etc/ssh/*", "etc/subgid", "etc/subuid", "etc/udev/hwdb.bin",
    "usr/local/*.pyc",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class File:
    """One path of a card.

    Attributes:
        kind: ``file``, ``link`` or ``gone``.
        mode: in octal digits; empty for what has none.
        owner: user and group, as ``root:haproxy``; empty for what is gone.
        content: of a file; for a link, where it leads.
    """

    kind: str
    mode: str = ""
    owner: str = ""
    content: bytes = b""


def read_archive(archive: bytes) -> dict[str, File]:
    """Read what :data:`SHOW_FILES` has printed.

    Returns:
        files and links, by their paths without the first slash.
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
    """Read what :data:`SHOW_CONFFILES` has printed.

    Returns:
        for the path of each of Debian's own configuration files, without the first slash, the
        MD5 sum that it came with.
    """
    words = (line.split() for line in shown.splitlines())
    return {each[0].lstrip("/"): each[1] for each in words if len(each) > 1}


def changes(
    before: Mapping[str, File], after: Mapping[str, File], conffiles: Mapping[str, str]
) -> dict[str, File]:
    """Pick what the roles have changed.

    Args:
        before: the card as it was.
        after: the card as it is.
        conffiles: what Debian's packages bring themselves.
    """
    changed = {path: file for path, file in after.items() if before.get(path) != file}
    gone = {path: File("gone") for path in before if path not in after}
    return {
        path: file
        for path, file in sorted({**changed, **gone}.items())
        if not any(fnmatch.fnmatchcase(path, pattern) for pattern in _IGNORED)
        and not _is_as_it_came(file, conffiles.get(path))
    }


def _is_as_it_came(file: File, md5: str | None) -> bool:
    digest = hashlib.md5(file.content, usedforsecurity=False).hexdigest()
    return file.kind == "file" and digest == md5
