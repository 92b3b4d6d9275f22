"""Raspberry Pi Imager's manifest: the card, and the models that it is for.

Imager shows its customisation form only for images in a manifest. It is published as os_list.json
for `rpi-imager --repo`, and as an .rpi-imager-manifest file to double-click.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from pvs_image.errors import ImageError
from pvs_image.paths import PROJECT
from pvs_image.release import Release

MANIFEST = "os_list.json"
"""The manifest's file name, for `rpi-imager --repo`."""

_TEMPLATE = PROJECT / "templates/image/imager.json"
# The keys of an entry that refer to a file.
_URLS = ("url", "bmap_url")


def manifest(
    release: Release,
    *,
    url: str,
    bmap_url: str,
    extract_bytes: int,
    extract_sha256: str,
    download_bytes: int,
    download_sha256: str,
) -> str:
    """Return the manifest of a card as JSON text.

    Without `imager.devices`, Imager 2.0.3 to 2.0.11 shows an empty list of models, and its button
    Next is disabled. Without the capability `passwordless_sudo`, Imager since 2.0.11 does not offer
    sudo without a password, which a user without a password needs.

    Args:
        release: the card's release.
        url: the URL of the .img.xz.
        bmap_url: the URL of the .bmap.
        extract_bytes: the length of the unpacked image.
        extract_sha256: the sha256 of the unpacked image, which Imager verifies.
        download_bytes: the length of the .img.xz.
        download_sha256: the sha256 of the .img.xz.
    """
    released = datetime.fromtimestamp(release.source_date_epoch, UTC)
    template: dict[str, Any] = json.loads(_TEMPLATE.read_text(encoding="utf-8"))[release.base]
    entry = {
        **template["entry"],
        "name": f"{template['entry']['name']} {release.version}",
        "url": url,
        "bmap_url": bmap_url,
        "extract_size": extract_bytes,
        "extract_sha256": extract_sha256,
        "image_download_size": download_bytes,
        "image_download_sha256": download_sha256,
        "release_date": f"{released:%Y-%m-%d}",
    }
    return _as_text({"imager": {"devices": template["devices"]}, "os_list": [entry]})


def file_names(text: str) -> set[str]:
    """Return the names of the files that a manifest refers to.

    Args:
        text: a manifest, as :func:`manifest` returns it.
    """
    return {_name(entry[key]) for entry in json.loads(text)["os_list"] for key in _URLS}


def moved(text: str, base_url: str) -> str:
    """Return a manifest whose files are in another web folder.

    Args:
        text: a manifest, as :func:`manifest` returns it.
        base_url: the URL of the folder, without a slash at its end.
    """
    found = json.loads(text)
    for entry in found["os_list"]:
        entry.update({key: f"{base_url}/{quote(_name(entry[key]))}" for key in _URLS})
    return _as_text(found)


def _name(url: str) -> str:
    return unquote(PurePosixPath(urlsplit(url).path).name)


def _as_text(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=2) + "\n"


def location(base_url: str, file: Path) -> str:
    """Return the URL of a published file.

    Args:
        base_url: the web folder that will hold the files; empty for a file: URL.
        file: the file's final path on this machine.

    Raises:
        ImageError: the URL is not http or https.
    """
    if not base_url:
        return file.absolute().as_uri()
    if not base_url.startswith(("https://", "http://")):
        raise ImageError(
            f"BASE_URL must start with https:// or http:// (got {base_url})",
            "give the folder's URL, without a file name",
        )
    return f"{base_url.rstrip('/')}/{file.name}"
