"""What is on a card, for machines: SPDX 2.3 as JSON."""

from __future__ import annotations

import re
import urllib.parse
import uuid
from datetime import UTC, datetime
from typing import Any

from pvs_image.edition import Edition
from pvs_image.packages import Package

# Debian's short names of licences that SPDX has another name for.
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


def spdx(edition: Edition, packages: list[Package], image_sha256: str) -> dict[str, Any]:
    """Return the SPDX document of a card.

    Args:
        edition: which card it is.
        packages: what is on it.
        image_sha256: of the unpacked image; the document's own name comes from it.
    """
    created = datetime.fromtimestamp(edition.source_date_epoch, UTC)
    ids = {each: _identifier(each) for each in packages}
    card = {
        "SPDXID": _ROOT,
        "name": edition.name,
        "versionInfo": edition.version,
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
        "name": edition.name,
        "documentNamespace": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, image_sha256)}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: pvs-bridge-{edition.version}"],
        },
        "packages": [card, *(_described(each, ids[each]) for each in packages)],
        "relationships": [
            _related("SPDXRef-DOCUMENT", "DESCRIBES", _ROOT),
            *(_related(_ROOT, "CONTAINS", each) for each in ids.values()),
        ],
    }


def _described(package: Package, identifier: str) -> dict[str, Any]:
    described = {
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
        described["supplier"] = f"Organization: {supplier[1]} ({supplier[2]})"
    if package.homepage:
        described["homepage"] = package.homepage
    return described


def _purl(package: Package) -> str:
    name, version = (
        urllib.parse.quote(each, safe=".-~") for each in (package.name, package.version)
    )
    return f"pkg:deb/debian/{name}@{version}?arch={package.architecture}"


def _identifier(package: Package) -> str:
    return f"SPDXRef-{_NOT_IN_ID.sub('-', f'{package.name}-{package.architecture}')}"


def _related(one: str, how: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other}
