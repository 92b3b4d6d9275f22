"""Which Debian packages are on a card, and under which licence each says that it is."""

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
        name: of the binary package.
        version: of it.
        architecture: ``arm64`` or ``all``.
        source: the name of its source package.
        source_version: of it.
        maintainer: name and address.
        homepage: of the program; empty where Debian names none.
        licence: the short name that its copyright file has for all files; empty where it has none.
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
        rootfs_tar: as a tar, with dpkg's own books.

    Returns:
        the packages, by name.

    Raises:
        ImageError: it has no such books.
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
        _package(each, licences)
        for each in _stanzas(status)
        if each.get("status", "").endswith(" installed")
    )
    if not packages:
        raise ImageError(
            f"{rootfs_tar} has no installed packages in /{_STATUS}",
            "build the root file system again",
        )
    return packages


def as_text(packages: list[Package]) -> str:
    """Write the packages one a line: name, version, architecture, with a tab in between."""
    return "".join(f"{each.name}\t{each.version}\t{each.architecture}\n" for each in packages)


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
    """Return the licence of ``Files: *`` where a copyright file is written for machines."""
    if not copyright_file.startswith("Format:"):
        return ""
    for stanza in _stanzas(copyright_file):
        if "*" in stanza.get("files", "").split():
            return stanza.get("license", "").partition("\n")[0].strip()
    return ""


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    """Read paragraphs of ``Field: value``, whose further lines are indented."""
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
