"""What Raspberry Pi Imager is told of a card, so that it offers its form for it.

A list of one entry: as os_list.json for `rpi-imager --repo`, and as a manifest to double-click.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pvs_image.edition import Edition
from pvs_image.errors import ImageError
from pvs_image.paths import PROJECT

_TEMPLATE = PROJECT / "templates/image/imager.json"


def entry(
    edition: Edition,
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
        edition: which card it is.
        url: where Imager gets the .img.xz.
        bmap_url: where it gets the block map.
        extract_bytes: the length of the unpacked image.
        extract_sha256: of the unpacked image; Imager refuses one that has another.
        download_bytes: the length of the .img.xz.
        download_sha256: of the .img.xz.
    """
    released = datetime.fromtimestamp(edition.source_date_epoch, UTC)
    told: dict[str, Any] = json.loads(_TEMPLATE.read_text(encoding="utf-8"))[edition.base]
    return {
        **told,
        "name": f"{told['name']} {edition.version}",
        "url": url,
        "bmap_url": bmap_url,
        "extract_size": extract_bytes,
        "extract_sha256": extract_sha256,
        "image_download_size": download_bytes,
        "image_download_sha256": download_sha256,
        "release_date": f"{released:%Y-%m-%d}",
    }


def as_list(entries: list[dict[str, Any]]) -> str:
    """Write a list as Imager reads it."""
    return json.dumps({"os_list": entries}, indent=2) + "\n"


def location(base_url: str, file: Path) -> str:
    """Say where Imager gets a file.

    Args:
        base_url: the folder on the web that the files will be put into; empty for where they are.
        file: the file, where it will be on this machine.

    Raises:
        ImageError: the URL is none that Imager opens.
    """
    if not base_url:
        return file.absolute().as_uri()
    if not base_url.startswith(("https://", "http://")):
        raise ImageError(
            f"BASE_URL={base_url} is no web address",
            "write it from https:// on, without the files' names",
        )
    return f"{base_url.rstrip('/')}/{file.name}"
