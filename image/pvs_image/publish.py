"""From a card to the files that are handed on: packed, measured, listed.

They appear together when all are complete: each is written in a folder beside, then moved into its
place.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from pvs_image import catalogue, packages
from pvs_image.bmap import write_bmap
from pvs_image.compress import pack
from pvs_image.edition import Edition
from pvs_image.sbom import spdx


@dataclasses.dataclass(frozen=True)
class Published:
    """The files.

    Attributes:
        image: the .img.xz.
        files: all of them, with the image.
        extract_bytes: the length of the unpacked image.
        extract_sha256: of the unpacked image.
    """

    image: Path
    files: tuple[Path, ...]
    extract_bytes: int
    extract_sha256: str


def publish(
    card: Path,
    rootfs_tar: Path,
    folder: Path,
    edition: Edition,
    *,
    base_url: str = "",
    log: Path | None = None,
) -> Published:
    """Write the files of a card into a folder.

    Args:
        card: the unpacked image.
        rootfs_tar: what it was made from.
        folder: where they go; is made when it is missing.
        edition: which card it is.
        base_url: the folder on the web that they will be put into; empty for this machine alone.
        log: of the build, to be put beside them.

    Raises:
        ImageError: something keeps it from its work; the files of an earlier build are untouched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = edition.name
    with tempfile.TemporaryDirectory(prefix=".publishing-", dir=folder) as scratch:
        new = Path(scratch)
        image, bmap = new / f"{name}.img.xz", new / f"{name}.bmap"
        urls = [catalogue.location(base_url, folder / each.name) for each in (image, bmap)]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            packing = pool.submit(pack, card, image)
            digesting = pool.submit(_sha256, card)
            found = packages.installed(rootfs_tar)
            write_bmap(card, bmap)
            card_sha256 = digesting.result()
            packing.result()
        image_sha256 = _sha256(image)
        listed = catalogue.as_list(
            [
                catalogue.entry(
                    edition,
                    url=urls[0],
                    bmap_url=urls[1],
                    extract_bytes=card.stat().st_size,
                    extract_sha256=card_sha256,
                    download_bytes=image.stat().st_size,
                    download_sha256=image_sha256,
                )
            ]
        )
        document = json.dumps(spdx(edition, found, card_sha256), indent=1, ensure_ascii=False)
        texts = {
            f"{name}.sha256": f"{image_sha256}  {image.name}\n",
            f"{name}.packages.txt": packages.as_text(found),
            f"{name}.spdx.json": f"{document}\n",
            f"{name}.rpi-imager-manifest": listed,
            "os_list.json": listed,
        }
        for file_name, text in texts.items():
            (new / file_name).write_text(text, encoding="utf-8")
        if log is not None:
            shutil.copyfile(log, new / f"{name}.log")
        files = []
        for file in sorted(new.iterdir()):
            file.chmod(0o644)
            files.append(file.rename(folder / file.name))
    return Published(folder / image.name, tuple(files), card.stat().st_size, card_sha256)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
