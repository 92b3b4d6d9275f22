"""The archive in a backup: a manifest, and the files that it lists with their digests."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from pvs_bridge.backup.contents import File, is_part
from pvs_bridge.errors import IssueError

FORMAT = 1
"""Of what this program writes. It reads older ones too."""

LARGEST_BYTES = 128 * 1024**2
"""Of all files: a century of history. A Pi with 512 MiB can hold them in memory."""

_KIND = "pvs-bridge backup"
_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 1024**2
_DAMAGED = "take another backup; this one is not complete, or was changed"


@dataclass(frozen=True)
class Backup:
    """The content of a backup.

    Attributes:
        host: The name of the bridge.
        date: When it was made, in ISO 8601.
        version: Of pvs-bridge that made it.
        files: By their path below the root.
    """

    host: str
    date: str
    version: str
    files: Mapping[str, File]


def write(backup: Backup, out: IO[bytes]) -> None:
    """Write an archive.

    Raises:
        OSError: It cannot be written.
    """
    manifest = {
        "kind": _KIND,
        "format": FORMAT,
        "host": backup.host,
        "date": backup.date,
        "version": backup.version,
        "files": {name: _digest(file.data) for name, file in backup.files.items()},
    }
    with tarfile.open(fileobj=out, mode="w|gz", format=tarfile.PAX_FORMAT) as tar:
        text = json.dumps(manifest, indent=1).encode()
        for name, file in {_MANIFEST: File(text, 0o600), **backup.files}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(file.data), file.mode
            tar.addfile(member, io.BytesIO(file.data))


def read(stream: IO[bytes]) -> Backup:
    """Read an archive, and check it completely.

    Raises:
        IssueError: It is not a backup, damaged, or of a newer version.
    """
    try:
        # tarfile's own gzip fails with a TypeError on a truncated file.
        with gzip.open(stream) as content, tarfile.open(fileobj=content, mode="r|") as tar:
            return _read(tar)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise IssueError(f"the backup cannot be read: {error}", _DAMAGED) from error


def _read(tar: tarfile.TarFile) -> Backup:
    first = tar.next()
    if first is None or first.name != _MANIFEST or first.size > _LARGEST_MANIFEST:
        raise _foreign()
    manifest = _manifest(_data(tar, first))
    wanted = manifest["files"]
    files: dict[str, File] = {}
    left = LARGEST_BYTES
    while (member := tar.next()) is not None:
        name = member.name
        if not is_part(name) or name not in wanted or name in files or not member.isreg():
            raise IssueError(f"the backup has a file that is not part of one: {name!r}", _DAMAGED)
        left -= member.size
        if left < 0:
            raise IssueError(f"the backup must have at most {LARGEST_BYTES} bytes", _DAMAGED)
        files[name] = File(_data(tar, member), member.mode & 0o644)
        if _digest(files[name].data) != wanted[name]:
            raise IssueError(f"the backup has a damaged file: {name}", _DAMAGED)
    missing = sorted(wanted.keys() - files.keys())
    if missing:
        raise IssueError(f"the backup lacks a file: {missing[0]!r}", _DAMAGED)
    return Backup(str(manifest["host"]), str(manifest["date"]), str(manifest["version"]), files)


def _manifest(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise _foreign() from None
    if not isinstance(found, dict) or found.get("kind") != _KIND:
        raise _foreign()
    if not isinstance(found.get("format"), int) or found["format"] > FORMAT:
        raise IssueError(
            f"the backup is of a newer version, {found.get('version')}",
            "install that version of pvs-bridge or a newer one",
        )
    if not isinstance(found.get("files"), dict) or {"host", "date", "version"} - found.keys():
        raise _foreign()
    return found


def _data(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = tar.extractfile(member) if member.isreg() else None
    if content is None:
        raise _foreign()
    data = content.read()
    if len(data) != member.size:
        raise IssueError(f"the backup ends within {member.name}", _DAMAGED)
    return data


def _foreign() -> IssueError:
    return IssueError("this is not a backup of pvs-bridge", "name a file of pvs-bridge backup")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
