"""Save files in an archive, compare them with the current files, and restore them.

Each step can be repeated after a power cut: the archive stays unchanged until the caller removes
it, and files that are right already are not touched.
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

# The files that affect how the Pi is reached and how it reaches the PVS, relative to the root.
# Temporary and backup files of files in /etc itself are included.
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

# Restoring needs this space beside the archive's size, because a file is written before it replaces
# another one.
_SPARE_BYTES = 1 << 20
# The name of an incomplete file. A suffix would not work, because names may have the full length.
_UNFINISHED = ".pvs-bridge-unfinished"


class SnapshotError(Exception):
    """The archive cannot be read."""


@dataclass(frozen=True)
class Entry:
    """The state of one path.

    Attributes:
        kind: "file", "folder", "link", or "other" for what is not saved, such as a socket.
        mode: The permission bits.
        owner: The numeric user and group.
        content: The bytes of a file, or the target of a link; otherwise empty.
    """

    kind: str
    mode: int
    owner: tuple[int, int]
    content: bytes


# The saved and the current entry by path, parents first; None if there is none.
Differences = dict[str, tuple[Entry | None, Entry | None]]


class Snapshot:
    """An archive of all watched files.

    Args:
        archive: The path of the archive.
        root: The root of the file system; a folder in tests.
    """

    def __init__(self, archive: Path, root: Path) -> None:
        """Set the paths; nothing is read or written yet."""
        self.archive = archive
        self.root = root
        self.ballast = archive.with_suffix(".ballast")

    def take(self) -> None:
        """Save all watched files, and reserve the space to restore them.

        Raises:
            OSError: The disk is full or fails.
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
        """Remove the archive and the reserved space."""
        self.archive.unlink(missing_ok=True)
        self.ballast.unlink(missing_ok=True)
        atomic.sync_folder(self.archive.parent)

    def differences(self) -> Differences:
        """Compare the saved files with the current ones.

        Raises:
            SnapshotError: The archive is missing or damaged.
            OSError: The disk fails.
        """
        before, now = self._saved(), self._found()
        return {
            name: (before.get(name), now.get(name))
            for name in [*before, *sorted(set(now) - set(before))]
            if before.get(name) != now.get(name)
        }

    def make_room(self) -> None:
        """Free the reserved space, for a restore on a full disk."""
        self.ballast.unlink(missing_ok=True)

    def restore(self, differences: Differences, rejected: Path) -> None:
        """Restore the saved files.

        Args:
            differences: The result of :meth:`differences`.
            rejected: The folder for copies of replaced and removed files, as far as the disk has
                space.

        Raises:
            OSError: The disk is full or fails.
        """
        for name, (_, is_now) in differences.items():
            if is_now and is_now.kind != "folder":
                with suppress(OSError):
                    self._copy_rejected(name, rejected / name)
        # Only listed paths: a link in place of a folder may lead to files that are not watched.
        for name, (was, is_now) in differences.items():
            if is_now and (was is None or was.kind != is_now.kind):
                _remove(self.root / name)
        for name, (was, _) in differences.items():
            if was:
                self._restore(name, was)
        for folder in {(self.root / name).parent for name in differences}:
            atomic.sync_folder(folder)

    def _tops(self) -> list[Path]:
        """Return the paths that match the patterns: files, folders, links."""
        root = glob.escape(str(self.root).rstrip("/") + "/")
        # Path.glob leaves out broken links.
        return [Path(top) for name in WATCHED for top in sorted(glob.glob(root + name))]  # noqa: PTH207

    def _saved(self) -> dict[str, Entry]:
        """Read the archive."""
        found: dict[str, Entry] = {}
        try:
            with tarfile.open(self.archive, "r:") as archive:
                for member in archive:
                    found[member.name] = _saved_entry(archive, member, found)
        except (FileNotFoundError, tarfile.TarError) as error:
            raise SnapshotError(f"{self.archive}: {error}") from error
        return {name: entry for name, entry in found.items() if entry.kind != "other"}

    def _found(self) -> dict[str, Entry]:
        """Return the current entries, parents first."""
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

    def _copy_rejected(self, name: str, copy: Path) -> None:
        """Copy a rejected file for the user."""
        path = self.root / name
        # Restoring has priority over the copies.
        needed = path.lstat().st_size + self.archive.stat().st_size
        if shutil.disk_usage(self.archive.parent).free < needed:
            return
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(path, copy, follow_symlinks=False)

    def _restore(self, name: str, entry: Entry) -> None:
        """Restore one path."""
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
    """Return the entry of an existing path."""
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


def _saved_entry(
    archive: tarfile.TarFile, member: tarfile.TarInfo, before: Mapping[str, Entry]
) -> Entry:
    """Return the entry of a member of the archive, given those before it."""
    owner = (member.uid, member.gid)
    if member.issym():
        return Entry("link", 0o777, owner, os.fsencode(member.linkname))
    if member.islnk():
        # A hard link to a file that is in the archive already.
        return Entry("file", member.mode, owner, before[member.linkname].content)
    if member.isreg():
        source = archive.extractfile(member)
        return Entry("file", member.mode, owner, source.read() if source else b"")
    return Entry("folder" if member.isdir() else "other", member.mode, owner, b"")


def _remove(path: Path) -> None:
    """Remove a path of any kind, unless it was removed with its folder."""
    if not os.path.lexists(path):
        return
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
