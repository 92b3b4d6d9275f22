"""Write the output files of a build: compressed image, block map, digests, package lists, manifest.

The files are written into a temporary folder, and moved to their places when all are complete.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from pvs_image import debian_packages, imager_manifest
from pvs_image.bmap import write_bmap
from pvs_image.release import Release
from pvs_image.sbom import spdx
from pvs_image.xz import pack


@dataclasses.dataclass(frozen=True)
class Published:
    """The published files.

    Attributes:
        image: the .img.xz.
        files: all files, including the image.
        extract_bytes: the length of the unpacked image.
        extract_sha256: the sha256 of the unpacked image.
    """

    image: Path
    files: tuple[Path, ...]
    extract_bytes: int
    extract_sha256: str


def publish(
    card: Path,
    rootfs_tar: Path,
    folder: Path,
    release: Release,
    *,
    base_url: str = "",
    log: Path | None = None,
) -> Published:
    """Write the files of a card into a folder.

    Args:
        card: the unpacked image.
        rootfs_tar: the tar that it was made from.
        folder: the output folder; created if it is missing.
        release: the card's release.
        base_url: the web folder that will hold the files; empty for use on this machine only.
        log: the build log, which is published too.

    Raises:
        ImageError: a step failed; the files of an earlier build are unchanged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = release.name
    with tempfile.TemporaryDirectory(prefix=".publishing-", dir=folder) as temporary:
        new = Path(temporary)
        image, bmap = new / f"{name}.img.xz", new / f"{name}.bmap"
        urls = [imager_manifest.location(base_url, folder / file.name) for file in (image, bmap)]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            packing = pool.submit(pack, card, image)
            digesting = pool.submit(_sha256, card)
            packages = debian_packages.installed(rootfs_tar)
            write_bmap(card, bmap)
            card_sha256 = digesting.result()
            packing.result()
        image_sha256 = _sha256(image)
        manifest = imager_manifest.manifest(
            release,
            url=urls[0],
            bmap_url=urls[1],
            extract_bytes=card.stat().st_size,
            extract_sha256=card_sha256,
            download_bytes=image.stat().st_size,
            download_sha256=image_sha256,
        )
        document = json.dumps(spdx(release, packages, card_sha256), indent=1, ensure_ascii=False)
        texts = {
            f"{name}.sha256": f"{image_sha256}  {image.name}\n",
            f"{name}.packages.txt": debian_packages.as_text(packages),
            f"{name}.spdx.json": f"{document}\n",
            f"{name}.rpi-imager-manifest": manifest,
            imager_manifest.MANIFEST: manifest,
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
