"""Raspberry Pi Imager's manifest: a JSON list with one entry for the card.

Imager shows its customisation form only for images in a manifest. It is published as os_list.json
for `rpi-imager --repo`, and as an .rpi-imager-manifest file to double-click.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pvs_image.errors import ImageError
from pvs_image.paths import PROJECT
from pvs_image.release import Release

_TEMPLATE = PROJECT / "templates/image/imager.json"


def entry(
    release: Release,
    *,
    url: str,
    bmap_url: str,
    extract_bytes: int,
    extract_sha256: str,
    download_bytes: int,
    download_sha256: str,
) -> dict[str, Any]:
    """Return the entry of a card.

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
    return {
        **template,
        "name": f"{template['name']} {release.version}",
        "url": url,
        "bmap_url": bmap_url,
        "extract_size": extract_bytes,
        "extract_sha256": extract_sha256,
        "image_download_size": download_bytes,
        "image_download_sha256": download_sha256,
        "release_date": f"{released:%Y-%m-%d}",
    }


def as_list(entries: list[dict[str, Any]]) -> str:
    """Return a manifest as JSON text."""
    return json.dumps({"os_list": entries}, indent=2) + "\n"


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
