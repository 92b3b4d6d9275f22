"""List the Debian packages of a root file system, with the licence that each declares."""

from __future__ import annotations

import dataclasses
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from pvs_image.errors import ImageError

_STATUS = "var/lib/dpkg/status"
_COPYRIGHT = re.compile(r"usr/share/doc/([^/]+)/copyright")
_SOURCE = re.compile(r"(\S+)(?: \((\S+)\))?")


@dataclasses.dataclass(frozen=True, order=True)
class Package:
    """An installed package.

    Attributes:
        name: the name of the binary package.
        version: its version.
        architecture: ``arm64`` or ``all``.
        source: the name of its source package.
        source_version: the version of its source package.
        maintainer: name and address.
        homepage: a URL; may be empty.
        licence: the short name for ``Files: *`` in its copyright file; may be empty.
    """

    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    maintainer: str
    homepage: str
    licence: str = ""


def installed(rootfs_tar: Path) -> list[Package]:
    """Read the packages of a root file system.

    Args:
        rootfs_tar: the root file system, with dpkg's status file.

    Returns:
        the packages, sorted by name.

    Raises:
        ImageError: the status file is missing or lists no package.
    """
    status, licences = "", {}
    with tarfile.open(rootfs_tar) as tar:
        for member in tar:
            path = member.name.removeprefix("./")
            match = _COPYRIGHT.fullmatch(path)
            if path != _STATUS and not match:
                continue
            content = tar.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            text = content.read().decode(errors="replace")
            if match:
                licences[match[1]] = _licence(text)
            else:
                status = text
    packages = sorted(
        _package(stanza, licences)
        for stanza in _stanzas(status)
        if stanza.get("status", "").endswith(" installed")
    )
    if not packages:
        raise ImageError(
            f"/{_STATUS} in {rootfs_tar} lists no installed package",
            "build the root file system again",
        )
    return packages


def as_text(packages: list[Package]) -> str:
    """Return one line per package: name, version and architecture, separated by tabs."""
    return "".join(f"{one.name}\t{one.version}\t{one.architecture}\n" for one in packages)


def _package(stanza: dict[str, str], licences: dict[str, str]) -> Package:
    name, version = stanza["package"], stanza["version"]
    source = _SOURCE.match(stanza.get("source", name))
    return Package(
        name=name,
        version=version,
        architecture=stanza["architecture"],
        source=source[1] if source else name,
        source_version=(source[2] if source else None) or version,
        maintainer=stanza.get("maintainer", ""),
        homepage=stanza.get("homepage", ""),
        licence=licences.get(name, ""),
    )


def _licence(copyright_file: str) -> str:
    """Return the licence of ``Files: *`` in a machine-readable copyright file, else nothing."""
    if not copyright_file.startswith("Format:"):
        return ""
    for stanza in _stanzas(copyright_file):
        if "*" in stanza.get("files", "").split():
            return stanza.get("license", "").partition("\n")[0].strip()
    return ""


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    """Parse paragraphs of ``Field: value`` lines with indented continuation lines."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        field = ""
        for line in paragraph.splitlines():
            if line[:1] in " \t" and field:
                fields[field] += f"\n{line.strip()}"
            elif ":" in line:
                field, _, value = line.partition(":")
                field = field.lower()
                fields[field] = value.strip()
        if fields:
            yield fields
