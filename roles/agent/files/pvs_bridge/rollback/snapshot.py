"""Files as they were: kept in one archive, compared with what is there, put back.

Every step may be cut off by a power failure and done again: the archive stays as it is until the
caller removes it, and what is right already is not touched.
"""

from __future__ import annotations

import glob
import os
import shutil
import stat
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pvs_bridge import atomic

# Whatever decides how the Pi is reached and how it reaches the PVS, as patterns below the root.
# Beside what lies in /etc itself, its new text and a copy of the old one may lie there.
WATCHED = (
    "etc/.pvs-bridge-*",
    "etc/NetworkManager",
    "etc/avahi",
    "etc/cloud/cloud.cfg.d",
    "etc/default",
    "etc/dhcpcd.conf*",
    "etc/hostname",
    "etc/hosts",
    "etc/modprobe.d",
    "etc/netplan",
    "etc/network",
    "etc/nftables.conf",
    "etc/pvs-bridge",
    "etc/resolvconf.conf",
    "etc/ssh",
    "etc/sysctl.conf",
    "etc/sysctl.d",
    "etc/systemd",
    "etc/wpa_supplicant",
)

# Restoring writes each file anew before it replaces the old one: so much more than the archive.
_SPARE_BYTES = 1 << 20
# What a file is called until it is whole. Short, for the file's own name may be as long as any.
_UNFINISHED = ".pvs-bridge-unfinished"


class SnapshotError(Exception):
    """What was kept cannot be read."""


@dataclass(frozen=True)
class Entry:
    """What is known of one path.

    Attributes:
        kind: "file", "folder", "link", or "other" for what is not kept, such as a socket.
        mode: permission bits.
        owner: numbers of user and group.
        content: a file's bytes, or where a link leads to; empty for the others.
    """

    kind: str
    mode: int
    owner: tuple[int, int]
    content: bytes


# By path, parents before what is in them: what was there and what is there, None for nothing.
Differences = dict[str, tuple[Entry | None, Entry | None]]


class Snapshot:
    """The archive of one moment.

    Args:
        archive: where it is kept.
        root: of the file system; another one than / in tests.
    """

    def __init__(self, archive: Path, root: Path) -> None:
        """Name the archive; nothing is read or written yet."""
        self.archive = archive
        self.root = root
        self.ballast = archive.with_suffix(".ballast")

    def take(self) -> None:
        """Keep everything watched, and the space that putting it back will need.

        Raises:
            OSError: The disk is full, or does not work.
        """
        self.archive.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with atomic.replacing(self.archive) as output:
                with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
                    for top in self._tops():
                        archive.add(top, arcname=str(top.relative_to(self.root)))
                with self.ballast.open("wb") as ballast:
                    os.posix_fallocate(ballast.fileno(), 0, output.tell() + _SPARE_BYTES)
                    os.fsync(ballast.fileno())
        except OSError:
            self.ballast.unlink(missing_ok=True)
            raise

    def forget(self) -> None:
        """Remove the archive and what belongs to it."""
        self.archive.unlink(missing_ok=True)
        self.ballast.unlink(missing_ok=True)
        atomic.sync_folder(self.archive.parent)

    def differences(self) -> Differences:
        """Compare what was kept with what is there.

        Raises:
            SnapshotError: The archive is not there, or is no archive any more.
            OSError: The disk does not work.
        """
        before, now = self._kept(), self._found()
        return {
            name: (before.get(name), now.get(name))
            for name in [*before, *sorted(set(now) - set(before))]
            if before.get(name) != now.get(name)
        }

    def make_room(self) -> None:
        """Give up the space that putting back needs, for a full disk has no other."""
        self.ballast.unlink(missing_ok=True)

    def restore(self, differences: Differences, rejected: Path) -> None:
        """Put everything back.

        Args:
            differences: what :meth:`differences` returned.
            rejected: folder that gets a copy of what is replaced or removed, as far as the disk
                has room for it.

        Raises:
            OSError: The disk is full, or does not work.
        """
        for name, (_, is_now) in differences.items():
            if is_now and is_now.kind != "folder":
                with suppress(OSError):
                    self._set_aside(name, rejected / name)
        # Only what was found: behind a link in a folder's place lies what is not watched.
        for name, (was, is_now) in differences.items():
            if is_now and (was is None or was.kind != is_now.kind):
                _remove(self.root / name)
        for name, (was, _) in differences.items():
            if was:
                self._put_back(name, was)
        for folder in {(self.root / name).parent for name in differences}:
            atomic.sync_folder(folder)

    def _tops(self) -> list[Path]:
        """Return what the patterns name: files, folders, links."""
        root = glob.escape(str(self.root).rstrip("/") + "/")
        # Path.glob leaves out links that lead nowhere.
        return [Path(top) for name in WATCHED for top in sorted(glob.glob(root + name))]  # noqa: PTH207

    def _kept(self) -> dict[str, Entry]:
        """Read the archive."""
        found: dict[str, Entry] = {}
        try:
            with tarfile.open(self.archive, "r:") as archive:
                for member in archive:
                    found[member.name] = _kept_entry(archive, member, found)
        except (FileNotFoundError, tarfile.TarError) as error:
            raise SnapshotError(f"{self.archive}: {error}") from error
        return {name: entry for name, entry in found.items() if entry.kind != "other"}

    def _found(self) -> dict[str, Entry]:
        """Read what is there now, parents before what is in them."""
        found = {}
        for top in self._tops():
            paths = [top]
            for folder, folders, files in [] if top.is_symlink() else os.walk(top):
                paths += [Path(folder) / one for one in sorted([*folders, *files])]
            for path in paths:
                entry = _entry(path)
                if entry.kind != "other":
                    found[str(path.relative_to(self.root))] = entry
        return found

    def _set_aside(self, name: str, copy: Path) -> None:
        """Keep what was rejected for a person to read."""
        path = self.root / name
        # What is put back needs the room more.
        needed = path.lstat().st_size + self.archive.stat().st_size
        if shutil.disk_usage(self.archive.parent).free < needed:
            return
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(path, copy, follow_symlinks=False)

    def _put_back(self, name: str, entry: Entry) -> None:
        """Make one path what it was."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind == "folder":
            path.mkdir(exist_ok=True)
            target = path
        else:
            target = path.with_name(_UNFINISHED)
            target.unlink(missing_ok=True)
            if entry.kind == "link":
                target.symlink_to(os.fsdecode(entry.content))
            else:
                with target.open("wb") as output:
                    os.fchmod(output.fileno(), 0o600)
                    output.write(entry.content)
                    output.flush()
                    os.fsync(output.fileno())
        os.chown(target, *entry.owner, follow_symlinks=False)
        if entry.kind != "link":
            target.chmod(entry.mode)
        if target != path:
            target.replace(path)


def _entry(path: Path) -> Entry:
    """Describe a path that is there."""
    found = path.lstat()
    owner = (found.st_uid, found.st_gid)
    kind = _kind(found.st_mode)
    if kind == "link":
        return Entry(kind, 0o777, owner, os.fsencode(os.readlink(path)))  # noqa: PTH115 - as bytes
    content = path.read_bytes() if kind == "file" else b""
    return Entry(kind, stat.S_IMODE(found.st_mode), owner, content)


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISLNK, "link"), (stat.S_ISREG, "file"), (stat.S_ISDIR, "folder"))
    return next((name for is_kind, name in kinds if is_kind(mode)), "other")


def _kept_entry(
    archive: tarfile.TarFile, member: tarfile.TarInfo, before: Mapping[str, Entry]
) -> Entry:
    """Describe one path of the archive, given those before it."""
    owner = (member.uid, member.gid)
    if member.issym():
        return Entry("link", 0o777, owner, os.fsencode(member.linkname))
    if member.islnk():
        # The second name of a file that the archive has already.
        return Entry("file", member.mode, owner, before[member.linkname].content)
    if member.isreg():
        source = archive.extractfile(member)
        return Entry("file", member.mode, owner, source.read() if source else b"")
    return Entry("folder" if member.isdir() else "other", member.mode, owner, b"")


def _remove(path: Path) -> None:
    """Remove a path of any kind, unless it went with the folder it was in."""
    if not os.path.lexists(path):
        return
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
