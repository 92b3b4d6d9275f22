"""The published files are complete, and consistent with each other."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest
from unit.image.cards import EPOCH, output_of

from pvs_image import imager_manifest
from pvs_image.errors import ImageError
from pvs_image.publish import Published, publish
from pvs_image.release import BASES, Release
from pvs_image.xz import pack, unpack

pytestmark = pytest.mark.needs_system

RELEASE = Release("0.1.0", "debian", EPOCH)
NAME = "pvs-bridge-0.1.0-debian"

# From Raspberry Pi Imager's doc/json-schema/os-list-schema.json: the required fields, and the types
# of the optional fields that are used.
REQUIRED = {
    "name": str,
    "description": str,
    "icon": str,
    "url": str,
    "extract_size": int,
    "extract_sha256": str,
    "image_download_size": int,
    "release_date": str,
}
OPTIONAL = {
    "architecture": str,
    "bmap_url": str,
    "capabilities": list,
    "devices": list,
    "image_download_sha256": str,
    "init_format": str,
}
# A model in imager.devices, as in src/test/qml/fixtures/os_list.json of Imager 2.0.11.1.
DEVICE = {
    "name": str,
    "tags": list,
    "icon": str,
    "description": str,
    "matching_type": str,
    "capabilities": list,
}
# Fields that SPDX 2.3 requires in a document and in each package.
SPDX_DOCUMENT = {
    "spdxVersion",
    "dataLicense",
    "SPDXID",
    "name",
    "documentNamespace",
    "creationInfo",
}
SPDX_PACKAGE = {"SPDXID", "name", "downloadLocation"}


@pytest.fixture(scope="module")
def published(card: Path, rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The published files of a card."""
    folder = tmp_path_factory.mktemp("published")
    log = folder / "of-the-build"
    log.write_text("built\n")
    return publish(card, rootfs, folder / "build", RELEASE, log=log)


def text(published: Published, name: str) -> str:
    """Return the text of a published file."""
    return (published.image.parent / name).read_text()


def entry(published: Published) -> dict[str, Any]:
    """Return the card's entry in the manifest."""
    (found,) = json.loads(text(published, "os_list.json"))["os_list"]
    assert isinstance(found, dict)
    return found


def sha256(file: Path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_exactly_the_documented_files_are_published(published: Published) -> None:
    endings = (
        "bmap",
        "img.xz",
        "log",
        "packages.txt",
        "rpi-imager-manifest",
        "sha256",
        "spdx.json",
    )
    expected = {"os_list.json", *(f"{NAME}.{ending}" for ending in endings)}
    assert {each.name for each in published.image.parent.iterdir()} == expected
    assert {each.name for each in published.files} == expected


def test_sha256sum_accepts_the_digest(published: Published) -> None:
    folder = published.image.parent
    message = output_of("sh", "-c", f"cd '{folder}' && sha256sum --check {NAME}.sha256")
    assert message == f"{NAME}.img.xz: OK\n"


def test_the_xz_decompresses_to_the_image(published: Published, card: Path, tmp_path: Path) -> None:
    unpack(published.image, tmp_path / "card.img")
    assert output_of("cmp", card, tmp_path / "card.img") == ""
    assert (tmp_path / "card.img").stat().st_blocks * 512 < 40 * 2**20


def test_the_manifest_has_the_real_sizes_and_digests(published: Published, card: Path) -> None:
    found = entry(published)
    assert (found["extract_size"], found["extract_sha256"]) == (card.stat().st_size, sha256(card))
    assert found["image_download_size"] == published.image.stat().st_size
    assert found["image_download_sha256"] == sha256(published.image)
    assert found["release_date"] == "2023-11-14"
    for url, file in (
        ("url", published.image),
        ("bmap_url", published.image.parent / f"{NAME}.bmap"),
    ):
        assert urlparse(found[url]).scheme == "file"
        assert Path(unquote(urlparse(found[url]).path)) == file


@pytest.mark.parametrize(
    ("base", "init_format", "devices"),
    [
        ("debian", "cloudinit", ["pi4-64bit", "pi3-64bit"]),
        ("raspios", "cloudinit-rpi", ["pi5-64bit", "pi4-64bit", "pi3-64bit"]),
    ],
)
def test_the_manifest_enables_imagers_form_for_the_models_of_each_base(
    base: str, init_format: str, devices: list[str]
) -> None:
    assert base in BASES
    listed = json.loads(
        imager_manifest.manifest(
            Release("0.1.0", base, EPOCH),
            url="https://example.org/card.img.xz",
            bmap_url="https://example.org/card.bmap",
            extract_bytes=1,
            extract_sha256="",
            download_bytes=1,
            download_sha256="",
        )
    )
    (found,) = listed["os_list"]
    assert (found["init_format"], found["devices"]) == (init_format, devices)
    assert found["architecture"] == "armv8"
    # Imager shows its box for sudo without a password only with this capability.
    assert found["capabilities"] == ["passwordless_sudo"]
    # Each model shows the card, and each tag of the card belongs to a model.
    models = listed["imager"]["devices"]
    assert {tag for model in models for tag in model["tags"]} == set(devices)
    for model in models:
        assert {name: type(value) for name, value in model.items()} == DEVICE
        assert model["matching_type"] in ("exclusive", "inclusive")


def test_the_manifest_matches_imagers_schema(published: Published) -> None:
    listed = json.loads(text(published, "os_list.json"))
    # The schema allows nothing else, and requires os_list only. Imager needs its models too.
    assert (set(listed), set(listed["imager"])) == ({"imager", "os_list"}, {"devices"})
    found = entry(published)
    assert REQUIRED.keys() <= found.keys() <= {*REQUIRED, *OPTIONAL}
    types = {**REQUIRED, **OPTIONAL}
    assert {name: type(value) for name, value in found.items()} == types


def test_both_manifests_are_identical(published: Published) -> None:
    assert text(published, f"{NAME}.rpi-imager-manifest") == text(published, "os_list.json")


def test_base_url_is_the_prefix_of_file_urls() -> None:
    file = Path(f"build/{NAME}.img.xz")
    for base_url in ("https://example.org/cards", "https://example.org/cards/"):
        assert (
            imager_manifest.location(base_url, file) == f"https://example.org/cards/{NAME}.img.xz"
        )


def test_packages_are_listed_with_their_versions(published: Published) -> None:
    assert text(published, f"{NAME}.packages.txt").splitlines() == [
        "haproxy\t3.0.11-1+deb13u1\tarm64",
        "libssl3t64\t3.5.1-1+b1\tarm64",
    ]


def test_the_bill_of_materials_has_what_spdx_requires(published: Published) -> None:
    document = json.loads(text(published, f"{NAME}.spdx.json"))
    assert document.keys() >= SPDX_DOCUMENT
    assert document["spdxVersion"] == "SPDX-2.3"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"]["created"])
    ids = [each["SPDXID"] for each in document["packages"]]
    assert len(set(ids)) == len(ids) == 3
    for each in document["packages"]:
        assert each.keys() >= SPDX_PACKAGE
        assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", each["SPDXID"])
    for each in document["relationships"]:
        assert {each["spdxElementId"], each["relatedSpdxElement"]} <= {*ids, "SPDXRef-DOCUMENT"}


def test_the_bill_of_materials_has_licence_source_and_supplier(published: Published) -> None:
    document = json.loads(text(published, f"{NAME}.spdx.json"))
    _, haproxy, openssl = document["packages"]
    assert haproxy["licenseDeclared"] == "GPL-2.0-or-later"
    assert haproxy["homepage"] == "http://haproxy.org/"
    assert haproxy["supplier"] == (
        "Organization: Debian HAProxy Maintainers (team+haproxy@tracker.debian.org)"
    )
    assert haproxy["externalRefs"][0]["referenceLocator"] == (
        "pkg:deb/debian/haproxy@3.0.11-1%2Bdeb13u1?arch=arm64"
    )
    assert openssl["licenseDeclared"] == "NOASSERTION"
    assert openssl["sourceInfo"] == "built from openssl 3.5.1-1"


def test_the_image_does_not_depend_on_the_number_of_processors(
    published: Published, card: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    pack(card, tmp_path / "card.img.xz")
    assert sha256(tmp_path / "card.img.xz") == sha256(published.image)


@pytest.mark.parametrize("base_url", ["example.org/cards", "file:///srv", "ftp://example.org"])
def test_an_invalid_base_url_writes_nothing(
    base_url: str, card: Path, rootfs: Path, tmp_path: Path
) -> None:
    with pytest.raises(ImageError, match=rf"BASE_URL must start with .* \(got {base_url}\)"):
        publish(card, rootfs, tmp_path, RELEASE, base_url=base_url)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_none_of_the_files(
    published: Published, card: Path, rootfs: Path, disk_of: Callable[[int], Path]
) -> None:
    packed_kib = published.image.stat().st_size // 1024
    # The disk is full during compression, or at the last small file.
    for size_kib in (packed_kib // 2, packed_kib + 8):
        disk = disk_of(size_kib)
        with pytest.raises((ImageError, OSError), match="No space left on device"):
            publish(card, rootfs, disk, RELEASE)
        assert list(disk.iterdir()) == []


def test_a_failure_keeps_the_files_of_the_previous_build(
    published: Published, rootfs: Path, tmp_path: Path
) -> None:
    folder = published.image.parent
    before = {each: each.stat().st_mtime_ns for each in folder.iterdir()}
    broken = tmp_path / "broken.img"
    broken.write_bytes(b"no card" * 1000)
    with pytest.raises(ImageError, match="has no partition table"):
        publish(broken, rootfs, folder, RELEASE)
    assert {each: each.stat().st_mtime_ns for each in folder.iterdir()} == before
