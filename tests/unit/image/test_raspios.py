"""Raspberry Pi OS as a base: wrong images are refused, and everything in a right one is kept."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import http.server
import lzma
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.image.cards import EPOCH, output_of

from pvs_image.disk_image import make_disk
from pvs_image.errors import ImageError
from pvs_image.mbr import FAT32, Partition, write_table
from pvs_image.partition_layout import MIB, Layout
from pvs_image.raspios import fetch, read_layout, read_rootfs

pytestmark = pytest.mark.needs_system

# The layout of Raspberry Pi's official images.
OFFICIAL = Layout(
    disk_id=0x1A2B3C4D,
    boot_serial=0x5E6F7A8B,
    root_uuid=uuid.UUID("0aed834e-8c8f-412d-a276-a265dc676112"),
    boot_label="bootfs",
    root_label="rootfs",
    boot_start_bytes=8 * MIB,
    boot_bytes=512 * MIB,
)


@pytest.fixture(scope="module")
def official(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in for an official image."""
    image = tmp_path_factory.mktemp("official") / "raspios.img"
    make_disk(rootfs, image, source_date_epoch=EPOCH, layout=OFFICIAL)
    return image


@pytest.fixture(scope="module")
def packed(official: Path) -> Path:
    """The same, compressed as for download."""
    output_of("xz", "--keep", "-0", "--threads=2", official)
    return official.with_suffix(".img.xz")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, in which no partial file may remain."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/pvs-bridge/image/raspios"


def sha256(file: Path) -> str:
    """Return the digest of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@pytest.fixture
def web(packed: Path) -> Iterator[str]:
    """A web server with the file."""
    handler = functools.partial(Quiet, directory=str(packed.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without logging."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_reading_and_rebuilding_gives_the_same_image(official: Path, tmp_path: Path) -> None:
    layout = read_layout(official)
    assert layout == OFFICIAL
    read_rootfs(official, tmp_path / "rootfs.tar")
    again = tmp_path / "again.img"
    make_disk(tmp_path / "rootfs.tar", again, source_date_epoch=EPOCH, layout=layout)
    assert output_of("cmp", official, again) == ""


def test_cmdline_and_fstab_still_match_the_partition_ids(official: Path) -> None:
    assert "label-id: 0x1a2b3c4d" in output_of("sfdisk", "--dump", official)
    probed = output_of("blkid", "--probe", "--offset", str(8 * MIB), official)
    assert 'LABEL="bootfs"' in probed
    assert 'UUID="5E6F-7A8B"' in probed


def test_a_download_is_verified_unpacked_and_cached(
    packed: Path, official: Path, web: str, cache: Path
) -> None:
    digest = sha256(packed)
    message: list[str] = []
    card = fetch(f"{web}/{packed.name}", digest.upper(), message.append)
    assert output_of("cmp", card, official) == ""
    assert message == [f"downloading {web}/{packed.name}", "unpacking the image"]
    # The cached image needs neither the network nor the file.
    assert fetch("http://127.0.0.1:1/gone", digest, message.append) == card
    assert list(cache.iterdir()) == [card]


def test_an_uncompressed_image_is_accepted(official: Path, cache: Path) -> None:
    card = fetch(str(official), sha256(official), lambda _: None)
    assert output_of("cmp", card, official) == ""
    assert card.parent == cache


def test_an_image_with_another_digest_is_refused(packed: Path, cache: Path) -> None:
    with pytest.raises(ImageError, match=f"has the sha256 {sha256(packed)}, not"):
        fetch(str(packed), "0" * 64)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "digest", "message"),
    [
        ("", "0" * 64, "BASE_IMAGE is missing"),
        ("raspios.img.xz", "", "BASE_SHA256 must be 64 hexadecimal digits, got nothing"),
        (
            "raspios.img.xz",
            "d41d8cd98f00b204e9800998ecf8427e",
            "must be 64 hexadecimal digits, got d41d",
        ),
        ("/no/such/raspios.img.xz", "0" * 64, "cannot be read: No such file"),
        ("http://127.0.0.1:1/raspios.img.xz", "0" * 64, "cannot be downloaded: .*refused"),
    ],
)
def test_a_missing_image_or_digest_is_named(
    source: str, digest: str, message: str, cache: Path
) -> None:
    with pytest.raises(ImageError, match=message):
        fetch(source, digest, lambda _: None)
    assert not cache.exists() or list(cache.iterdir()) == []


def test_a_failed_download_is_named(web: str, cache: Path) -> None:
    with pytest.raises(ImageError, match="cannot be downloaded: HTTP Error 404"):
        fetch(f"{web}/none.img.xz", "0" * 64, lambda _: None)
    assert list(cache.iterdir()) == []


def broken(official: Path, packed: Path, how: str) -> bytes:
    """Return a damaged or unsuitable image."""
    with official.open("rb") as file:
        head = file.read(9 * MIB)
    _, boot, root = (0, Partition(FAT32, 8 * MIB, 512 * MIB), Partition(0x83, 520 * MIB, 4 * MIB))
    return {
        "cut off": lambda: packed.read_bytes()[:-5000],
        "damaged": lambda: packed.read_bytes()[:6] + bytes(1000),
        "no table": lambda: bytes(MIB),
        "one partition": lambda: write_table(1, (boot,)) + bytes(MIB),
        "too short": lambda: head,
        "no FAT32": lambda: write_table(1, (dataclasses.replace(boot, size_bytes=4 * MIB),
            dataclasses.replace(root, start_bytes=12 * MIB))) + bytes(20 * MIB),
        "packed nothing": lambda: lzma.compress(bytes(MIB)),
    }[how]()  # fmt: skip


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("cut off", "is truncated: the end of the xz file is missing"),
        ("damaged", "is not an xz file, or it is damaged"),
        ("no table", "it has no partition table"),
        ("packed nothing", "it has no partition table"),
        ("one partition", "must have partitions of type 0x0c and 0x83, got 0x0c"),
        ("too short", "is shorter than its partition table says"),
        ("no FAT32", "must have FAT32 in partition 1"),
    ],
)
def test_a_file_that_is_not_a_pi_image_is_refused(
    how: str, message: str, official: Path, packed: Path, tmp_path: Path, cache: Path
) -> None:
    file = tmp_path / "base"
    file.write_bytes(broken(official, packed, how))
    with pytest.raises(ImageError, match=message):
        fetch(str(file), sha256(file), lambda _: None)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("change", ["rmdir /boot/firmware", "rm /etc/os-release"])
def test_another_release_is_refused_and_nothing_stays_mounted(
    official: Path, tmp_path: Path, change: str
) -> None:
    old = tmp_path / "old.img"
    output_of("cp", official, old)
    output_of("debugfs", "-w", "-R", change, f"{old}?offset={520 * MIB}")
    with pytest.raises(ImageError, match="is unreadable or not trixie"):
        read_rootfs(old, tmp_path / "rootfs.tar")
    assert list(tmp_path.iterdir()) == [old]
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
