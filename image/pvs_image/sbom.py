"""The card's software bill of materials: SPDX 2.3 as JSON.

`debsbom` (PyPI, 0.10.2) writes one too, but is not used: its package order changes with Python's
hash seed; its document lacks the image's checksum; it declares licences for source packages only;
and it would add 13 packages, such as rdflib, to the virtual environment of every controller.
"""

from __future__ import annotations

import re
import urllib.parse
import uuid
from datetime import UTC, datetime
from typing import Any

from pvs_image.debian_packages import Package
from pvs_image.release import Release

# SPDX licence identifiers by Debian's short names.
_SPDX = {
    "Apache-2.0": "Apache-2.0",
    "Artistic-2.0": "Artistic-2.0",
    "BSD-2-clause": "BSD-2-Clause",
    "BSD-3-clause": "BSD-3-Clause",
    "CC0-1.0": "CC0-1.0",
    "Expat": "MIT",
    "GPL-2": "GPL-2.0-only",
    "GPL-2+": "GPL-2.0-or-later",
    "GPL-3": "GPL-3.0-only",
    "GPL-3+": "GPL-3.0-or-later",
    "ISC": "ISC",
    "LGPL-2": "LGPL-2.0-only",
    "LGPL-2+": "LGPL-2.0-or-later",
    "LGPL-2.1": "LGPL-2.1-only",
    "LGPL-2.1+": "LGPL-2.1-or-later",
    "LGPL-3": "LGPL-3.0-only",
    "LGPL-3+": "LGPL-3.0-or-later",
    "MIT": "MIT",
    "MPL-2.0": "MPL-2.0",
    "Zlib": "Zlib",
}
_UNKNOWN = "NOASSERTION"
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9.-]+")
_ROOT = "SPDXRef-card"
_NAME_AND_ADDRESS = re.compile(r"(.+?) <([^<>]+)>")


def spdx(release: Release, packages: list[Package], image_sha256: str) -> dict[str, Any]:
    """Return the SPDX document of a card.

    Args:
        release: the card's release.
        packages: the packages on it.
        image_sha256: the sha256 of the unpacked image; the document's UUID is derived from it.
    """
    created = datetime.fromtimestamp(release.source_date_epoch, UTC)
    ids = {package: _identifier(package) for package in packages}
    card = {
        "SPDXID": _ROOT,
        "name": release.name,
        "versionInfo": release.version,
        "downloadLocation": _UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": _UNKNOWN,
        "copyrightText": _UNKNOWN,
        "primaryPackagePurpose": "OPERATING-SYSTEM",
        "checksums": [{"algorithm": "SHA256", "checksumValue": image_sha256}],
    }
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": release.name,
        "documentNamespace": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, image_sha256)}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: pvs-bridge-{release.version}"],
        },
        "packages": [card, *(_package(package, ids[package]) for package in packages)],
        "relationships": [
            _relationship("SPDXRef-DOCUMENT", "DESCRIBES", _ROOT),
            *(_relationship(_ROOT, "CONTAINS", identifier) for identifier in ids.values()),
        ],
    }


def _package(package: Package, identifier: str) -> dict[str, Any]:
    entry = {
        "SPDXID": identifier,
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": _UNKNOWN,
        "filesAnalyzed": False,
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": _SPDX.get(package.licence, _UNKNOWN),
        "copyrightText": _UNKNOWN,
        "sourceInfo": f"built from {package.source} {package.source_version}",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": _purl(package),
            }
        ],
    }
    supplier = _NAME_AND_ADDRESS.fullmatch(package.maintainer)
    if supplier:
        entry["supplier"] = f"Organization: {supplier[1]} ({supplier[2]})"
    if package.homepage:
        entry["homepage"] = package.homepage
    return entry


def _purl(package: Package) -> str:
    name, version = (
        urllib.parse.quote(text, safe=".-~") for text in (package.name, package.version)
    )
    return f"pkg:deb/debian/{name}@{version}?arch={package.architecture}"


def _identifier(package: Package) -> str:
    return f"SPDXRef-{_NOT_IN_ID.sub('-', f'{package.name}-{package.architecture}')}"


def _relationship(subject: str, kind: str, target: str) -> dict[str, str]:
    return {"spdxElementId": subject, "relationshipType": kind, "relatedSpdxElement": target}
